// Starts one process as a request describes it.
#ifndef SPAWN_H
#define SPAWN_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "request.h"

// Our ends of what the child was given, non-blocking and close-on-exec; -1 where there is none.
// In terminal mode `in` and `out` are two descriptors of the terminal's master.
struct spawned {
  pid_t pid;
  int in;
  int out;
  int err;
  int state;
  // Ends without data when the child's exec has succeeded; else it holds a failure (i32 errno, then text).
  int verdict;
};

struct failure {
  int error;
  char text[252];
};

// Remembers this process's limits, which children get back, before the launcher raises its own.
void spawn_remember_limits(void);

// Forks. False when not even that was possible, with the reason in `*failure`; nothing is left open then.
bool spawn(const struct request *request, struct spawned *spawned, struct failure *failure);

// Tells which step failed: "exec /bin/nope: No such file or directory".
void failure_set(struct failure *failure, int error, const char *step, const char *subject);

#endif
