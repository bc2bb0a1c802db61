// `execd install DIR`: puts this executable, bootstrap.sh and the unpacked tree into a directory.
#ifndef INSTALL_H
#define INSTALL_H

// Returns the exit status.
int install_run(int argc, char **argv);

#endif
