// One connection to the broker and the process it asked for, as PROTOCOL.md describes them.
#ifndef PROCESS_H
#define PROCESS_H

#include <sys/resource.h>
#include <sys/types.h>

struct process;

// Serves an accepted, non-blocking connection. Owns it.
void process_accept(int connection);

// The process that is the living leader `pid`, or NULL.
struct process *process_find(pid_t pid);

// Call before the leader is reaped, while its process id cannot be another's.
void process_before_reap(struct process *process);

// Call when the leader has been reaped.
void process_ended(struct process *process, int status, const struct rusage *usage);

#endif
