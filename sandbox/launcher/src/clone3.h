// EXECD_CLONE3_COMPAT: makes clone3 fail with ENOSYS for us and all children, for hosts whose seccomp profile breaks it.
#ifndef CLONE3_H
#define CLONE3_H

#include <stdbool.h>

// Does what the environment asks for. False when that is not valid or not possible; stderr says why.
bool clone3_apply(char **argv);

#endif
