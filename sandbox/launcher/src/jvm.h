// The JVM that is the real execd.
#ifndef JVM_H
#define JVM_H

#include <stdbool.h>
#include <sys/types.h>

// Reads the tree's `launch.args`, one argument a line, in which {tree} and {broker} stand for these paths, and appends the
// daemon's own arguments. False when that is not possible; stderr says why.
bool jvm_prepare(const char *tree, const char *broker, char **arguments);

// Starts it with this socket as descriptor 0. -1 with errno set.
pid_t jvm_start(int listening);

#endif
