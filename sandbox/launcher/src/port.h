// The port that the daemon listens on.
#ifndef PORT_H
#define PORT_H

// The value of --port (or -port, --port=N) among the daemon's arguments, which all take a value; 44772 without one.
// -1 when it is not a port; stderr says so.
int port_parse(int argc, char **argv);

// A listening IPv4 socket on all addresses, close-on-exec; -1 with errno set.
int port_listen(int port);

#endif
