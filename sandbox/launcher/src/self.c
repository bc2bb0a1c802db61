#include "self.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

const char *self_path(void) {
  static char path[PATH_MAX];
  if (path[0] != 0) return path;
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (length > 0 && path[0] == '/') {
    path[length] = 0;
  } else if (realpath((const char *)getauxval(AT_EXECFN), path) == NULL) {
    strcpy(path, "/");
  }
  return path;
}

const char *self_directory(void) {
  static char directory[PATH_MAX];
  strcpy(directory, self_path());
  char *slash = strrchr(directory, '/');
  slash[slash == directory ? 1 : 0] = 0;
  return directory;
}
