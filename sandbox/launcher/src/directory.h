#ifndef DIRECTORY_H
#define DIRECTORY_H

#include <stdbool.h>

// Makes a directory and its parents, mode 0755, unless they are there. False with errno set.
bool directory_make(const char *path);

#endif
