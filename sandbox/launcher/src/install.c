#include "install.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"
#include "payload.h"
#include "self.h"
#include "tree.h"

static bool copy_data(int from, int to) {
  struct stat status;
  if (fstat(from, &status) < 0) return false;
  for (off_t done = 0; done < status.st_size;) {
    if (sendfile(to, from, &done, (size_t)(status.st_size - done)) <= 0) return false;
  }
  return fchmod(to, 0755) == 0 && fsync(to) == 0;
}

// Copies a file to `directory/name`, mode 0755, so that at every moment there is the old one or the new one.
static bool copy_file(const char *source, const char *directory, const char *name) {
  char temporary[PATH_MAX];
  char final[PATH_MAX];
  snprintf(temporary, sizeof temporary, "%s/.%s.new-%d", directory, name, (int)getpid());
  snprintf(final, sizeof final, "%s/%s", directory, name);
  int from = open(source, O_RDONLY | O_CLOEXEC);
  int to = from < 0 ? -1 : open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
  bool done = to >= 0 && copy_data(from, to) && rename(temporary, final) == 0;
  int error = errno;
  if (from >= 0) close(from);
  if (to >= 0) close(to);
  if (!done) unlink(temporary);
  errno = error;
  return done;
}

// The script beside this executable, or else the one in the tree.
static const char *find_script(const struct payload *payload, const char *directory) {
  static char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/bootstrap.sh", self_directory());
  if (access(path, R_OK) != 0) snprintf(path, sizeof path, "%s/.execd-%s/bootstrap.sh", directory, payload->hash);
  return path;
}

int install_run(int argc, char **argv) {
  struct payload payload;
  if (argc != 1) {
    fprintf(stderr, "usage: execd install DIR\n");
    return 2;
  }
  const char *directory = argv[0];
  if (!payload_open(&payload)) return 1;
  // The executable last: whoever sees it finds the rest.
  if (directory_make(directory) && tree_install(&payload, directory) &&
      copy_file(find_script(&payload, directory), directory, "bootstrap.sh") && copy_file(self_path(), directory, "execd")) {
    return 0;
  }
  fprintf(stderr, "execd: cannot install to \"%s\": %s\n", directory, strerror(errno));
  return 1;
}
