// Starts processes for the JVM, over a Unix socket. PROTOCOL.md says how.
#ifndef BROKER_H
#define BROKER_H

#include <stdbool.h>
#include <sys/types.h>

// Listens at `path`, mode 0600, replacing a socket that is there. False with errno set when that is not possible.
bool broker_open(const char *path);
// Lets only this process connect from now on; 0 lets every process of this user, -1 none.
void broker_allow(pid_t pid);
void broker_close(void);

// Reaps every child that has ended. Those the broker does not know are reported to `other`, which may be NULL.
void broker_reap(void (*other)(pid_t pid, int status));

// Sends a signal to the group of every child: what the broker started, and orphans we inherited. False when there are none.
bool broker_signal_all(int signal);

#endif
