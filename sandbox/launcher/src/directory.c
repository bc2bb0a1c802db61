#include "directory.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool make_one(const char *path) {
  struct stat status;
  if (mkdir(path, 0755) == 0) return true;
  // On a read-only file system even an existing directory may give another error than EEXIST.
  int error = errno;
  if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) return true;
  errno = error == EEXIST ? ENOTDIR : error;
  return false;
}

bool directory_make(const char *path) {
  char part[PATH_MAX];
  if (strlen(path) >= sizeof part) {
    errno = ENAMETOOLONG;
    return false;
  }
  strcpy(part, path);
  for (char *slash = part; (slash = strchr(slash + 1, '/')) != NULL; *slash = '/') {
    *slash = 0;
    if (!make_one(part)) return false;
  }
  return make_one(part);
}
