// The unpacked payload: a directory `.execd-HASH` that is either complete or not there.
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "payload.h"

// Finds the tree beside this executable, or in the first of $TMPDIR, /tmp, /dev/shm, /run and /var/tmp from which programs
// may be executed; unpacks it into the first of these places that takes it. False when there is none; stderr says why.
bool tree_find(const struct payload *payload, char *path, size_t length);

// Unpacks the tree into this directory unless it is there, and has it on disk before it appears. False with errno set.
bool tree_install(const struct payload *payload, const char *directory);

// The places where the launcher may put files, in order, the directory of the executable first. NULL-terminated.
const char *const *tree_places(void);

#endif
