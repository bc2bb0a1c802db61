// The daemon: holds the port, keeps the JVM running, serves the broker, reaps.
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

// Runs until TERM or INT with the daemon's own arguments, NULL-terminated. Returns the exit status.
int supervisor_run(int argc, char **argv);

#endif
