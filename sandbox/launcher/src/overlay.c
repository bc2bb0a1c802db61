#include "overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { WORDS = 3, USAGE = 2, REFUSED = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

// Overlayfs keeps its marks in attributes of this kind, which need no privilege (kernel 5.11).
static const char mount_data[] = "lowerdir=lower,upperdir=store/upper,workdir=store/work,userxattr";
static const char trial_attribute[] = "user.execd.trial";

static bool failed(const char *action, const char *object) {
  fprintf(stderr, "execd overlay: cannot %s %s: %s\n", action, object, strerror(errno));
  return false;
}

static bool write_file(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return failed("open", path);
  bool written = write(file, text, strlen(text)) == (ssize_t)strlen(text);
  if (!written) failed("write", path);
  close(file);
  return written;
}

// The same user and group inside as outside.
static bool map_identity(uid_t uid, gid_t gid) {
  char users[64], groups[64];
  snprintf(users, sizeof users, "%u %u 1", uid, uid);
  snprintf(groups, sizeof groups, "%u %u 1", gid, gid);
  return write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/uid_map", users) && write_file("/proc/self/gid_map", groups);
}

static bool enter_namespace(bool users) {
  uid_t uid = geteuid();
  gid_t gid = getegid();
  if (unshare(CLONE_NEWNS | (users ? CLONE_NEWUSER : 0)) < 0) return failed("make", "a mount namespace");
  if (users && !map_identity(uid, gid)) return false;
  // What is mounted here is seen nowhere else; what others unmount goes here, too.
  if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) return failed("separate", "the mounts");
  return true;
}

static bool make_directory(const char *path) {
  return mkdir(path, 0700) == 0 || errno == EEXIST || failed("make the directory", path);
}

// The directory that the session sees has the mode of the lower one and, as far as allowed, its owner.
static bool make_upper(void) {
  struct stat lower;
  if (!make_directory("store/upper") || !make_directory("store/work")) return false;
  if (stat("lower", &lower) < 0) return failed("look at", "the lower directory");
  if (lchown("store/upper", lower.st_uid, lower.st_gid) < 0 && errno != EPERM && errno != EINVAL) return failed("own", "the upper directory");
  if (chmod("store/upper", lower.st_mode & 07777) < 0) return failed("set the mode of", "the upper directory");
  if (setxattr("store/upper", trial_attribute, "y", 1, 0) < 0) return failed("set an attribute of", "the upper directory");
  return removexattr("store/upper", trial_attribute) == 0 || failed("remove an attribute of", "the upper directory");
}

// With relative names, no character of a path can mean anything in the mount's options.
static bool mount_layer(const char *bytes, const char *folder, const char *lower) {
  if (chdir(folder) < 0) return failed("enter", folder);
  if (!make_directory("lower") || !make_directory("store") || !make_directory("merged")) return false;
  if (mount(lower, "lower", NULL, MS_BIND, NULL) < 0) return failed("bind", lower);
  if (strcmp(bytes, "0") != 0) {
    char data[64];
    snprintf(data, sizeof data, "mode=0700,size=%s", bytes);
    if (mount("tmpfs", "store", "tmpfs", MS_NOSUID | MS_NODEV, data) < 0) return failed("mount", "a tmpfs");
  }
  if (!make_upper()) return false;
  if (mount("overlay", "merged", "overlay", MS_NOSUID | MS_NODEV, mount_data) < 0) return failed("mount an overlay over", lower);
  return true;
}

static bool is_number(const char *text) { return *text != 0 && strspn(text, "0123456789") == strlen(text) && strlen(text) < 19; }

int overlay_run(int argc, char **argv) {
  int at = 1;
  bool users = argc > 0 && strcmp(argv[0], "user") == 0;
  bool valid = users || (argc > 0 && strcmp(argv[0], "root") == 0);
  while (valid && at + WORDS < argc && strcmp(argv[at], "--") != 0) {
    valid = is_number(argv[at]);
    at += WORDS;
  }
  if (!valid || at + 1 >= argc || strcmp(argv[at], "--") != 0) {
    fprintf(stderr, "usage: execd overlay root|user [BYTES FOLDER LOWER]... -- CMD...\n");
    return USAGE;
  }
  if (!enter_namespace(users)) return REFUSED;
  for (int layer = 1; layer < at; layer += WORDS) {
    if (!mount_layer(argv[layer], argv[layer + 1], argv[layer + 2])) return REFUSED;
  }
  if (chdir("/") < 0) return failed("enter", "/"), REFUSED;
  char **command = argv + at + 1;
  execvp(command[0], command);
  int error = errno;
  fprintf(stderr, "execd overlay: %s: %s\n", command[0], strerror(error));
  return error == ENOENT || error == ENOTDIR ? NOT_FOUND : NOT_EXECUTABLE;
}
