#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "remove.h"
#include "self.h"

static const char prefix[] = ".execd-";
static const char unfinished[] = ".new-";

const char *const *tree_places(void) {
  static const char *places[7];
  size_t count = 0;
  const char *temporary = getenv("TMPDIR");
  places[count++] = self_directory();
  if (temporary != NULL && temporary[0] == '/') places[count++] = temporary;
  places[count++] = "/tmp";
  places[count++] = "/dev/shm";
  places[count++] = "/run";
  places[count++] = "/var/tmp";
  places[count] = NULL;
  return places;
}

// Others may write to /tmp; only what root or we ourselves made, and nobody else can change, is executed.
static bool is_trusted(const char *path) {
  struct stat status;
  if (lstat(path, &status) < 0) return false;
  if (S_ISDIR(status.st_mode) && (status.st_uid == geteuid() || status.st_uid == 0) && (status.st_mode & 022) == 0) return true;
  errno = EPERM;
  return false;
}

static bool may_execute_from(const char *directory) {
  struct statvfs status;
  if (statvfs(directory, &status) < 0) return false;
  if ((status.f_flag & ST_NOEXEC) == 0) return true;
  errno = EACCES;
  return false;
}

// Removes what an unpacking that was killed left behind. Whoever is still unpacking holds a lock.
static void remove_unfinished(int parent) {
  int copy = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *listing = copy < 0 ? NULL : fdopendir(copy);
  if (listing == NULL) {
    if (copy >= 0) close(copy);
    return;
  }
  for (struct dirent *item; (item = readdir(listing)) != NULL;) {
    if (strncmp(item->d_name, prefix, sizeof prefix - 1) != 0 || strstr(item->d_name, unfinished) == NULL) continue;
    int fd = openat(parent, item->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) continue;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) remove_tree(parent, item->d_name);
    close(fd);
  }
  closedir(listing);
}

// Makes a locked directory of a name that nobody else has. -1 with errno set.
static int make_unfinished(int parent, char *name, size_t length, const char *final) {
  for (;;) {
    unsigned random = 0;
    struct stat status;
    // Another container may share this directory and have the same process ids.
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0) random = (unsigned)getpid();
    snprintf(name, length, "%s%s%x", final, unfinished, random);
    if (mkdirat(parent, name, 0700) < 0) return -1;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX) == 0 && fstat(fd, &status) == 0 && status.st_nlink > 0) return fd;
    // Somebody took it for a leftover before it was locked.
    bool removed = fd >= 0 || errno == ENOENT;
    if (fd >= 0) close(fd);
    if (!removed) return -1;
  }
}

static bool unpack_below(const struct payload *payload, int parent, bool durable) {
  char final[64];
  char temporary[96];
  snprintf(final, sizeof final, "%s%s", prefix, payload->hash);
  int fd = make_unfinished(parent, temporary, sizeof temporary, final);
  if (fd < 0) return false;
  bool done = payload_extract(payload, fd) && (!durable || syncfs(fd) == 0) && fchmod(fd, 0755) == 0 &&
              (renameat(parent, temporary, parent, final) == 0 || errno == EEXIST || errno == ENOTEMPTY);
  int error = errno;
  // Removes nothing when the rename succeeded; else another was faster, or we failed.
  remove_tree(parent, temporary);
  close(fd);
  errno = error;
  return done;
}

static bool unpack(const struct payload *payload, const char *place, bool durable) {
  int parent = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0) return false;
  remove_unfinished(parent);
  bool done = unpack_below(payload, parent, durable);
  int error = errno;
  close(parent);
  errno = error;
  return done;
}

static bool try_place(const struct payload *payload, const char *place, char *path, size_t length, bool may_unpack) {
  snprintf(path, length, "%s%s%s%s", place, strcmp(place, "/") == 0 ? "" : "/", prefix, payload->hash);
  if (!may_execute_from(place)) return false;
  if (is_trusted(path)) return true;
  return may_unpack && errno == ENOENT && unpack(payload, place, false) && is_trusted(path);
}

bool tree_find(const struct payload *payload, char *path, size_t length) {
  for (const char *const *place = tree_places(); *place != NULL; place++) {
    if (try_place(payload, *place, path, length, false)) return true;
  }
  char reasons[512] = "";
  size_t used = 0;
  for (const char *const *place = tree_places(); *place != NULL; place++) {
    if (try_place(payload, *place, path, length, true)) return true;
    const char *reason = errno == EACCES && !may_execute_from(*place) ? "noexec" : strerror(errno);
    if (used < sizeof reasons) used += (size_t)snprintf(reasons + used, sizeof reasons - used, "; %s: %s", *place, reason);
  }
  fprintf(stderr, "execd: no place to unpack the runtime to%s\n", reasons);
  return false;
}

bool tree_install(const struct payload *payload, const char *directory) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s%s", directory, prefix, payload->hash);
  if (is_trusted(path)) return true;
  return errno == ENOENT && unpack(payload, directory, true);
}
