#include "enter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Prepared by the server in the sandbox's directory, each line made of plain words:
//   run/cgroups    directories to join
//   run/volumes    directories and files to mount, each ended by a zero byte; held at run/volume-0 and so on
//   run/mounts     what is mounted before bubblewrap comes, see `makers`
//   run/processes  how many processes the user may have, when there are no cgroups
//   run/args       arguments of bubblewrap, each ended by a zero byte
// bubblewrap finds its files under these numbers.
enum { INFO = 3, ARGUMENTS = 4, STATUS = 5, FILTER = 6, ABOVE = 10 };
enum { MAX_LINE = 16 << 10, MAX_COMMAND = 1024 };

static const char filter_path[] = "../../bin/seccomp";

static bool failed(const char *action, const char *object) {
  fprintf(stderr, "execd enter: cannot %s %s: %s\n", action, object, strerror(errno));
  return false;
}

// --- Lines of words ---

typedef bool act(char *words[3]);

// Does `action` with the words of each line. A file that is not there has no lines when it is optional.
static bool each_line(const char *path, bool optional, act *action) {
  static char line[MAX_LINE];
  FILE *file = fopen(path, "re");
  if (file == NULL) return (optional && errno == ENOENT) || failed("read", path);
  bool done = true;
  while (done && fgets(line, sizeof line, file) != NULL) {
    char *words[3];
    for (int i = 0; i < 3; i++) words[i] = strtok(i == 0 ? line : NULL, " \n");
    done = words[0] == NULL || action(words);
  }
  fclose(file);
  return done;
}

// --- Limits ---

static bool join_cgroup(char *words[3]) {
  char path[MAX_LINE];
  snprintf(path, sizeof path, "%s/cgroup.procs", words[0]);
  int file = open(path, O_WRONLY | O_CLOEXEC);
  bool joined = file >= 0 && write(file, "0", 1) == 1;
  if (!joined) failed("join", words[0]);
  if (file >= 0) close(file);
  return joined;
}

// Without cgroups at least a fork bomb ends somewhere, though all sandboxes share this number.
static bool limit_processes(char *words[3]) {
  rlim_t count = strtoull(words[0], NULL, 10);
  return setrlimit(RLIMIT_NPROC, &(struct rlimit){count, count}) == 0 || failed("limit processes to", words[0]);
}

// --- Mounts ---

static bool mount_overlay(const char *options, const char *target) { return mount("overlay", target, "overlay", 0, options) == 0; }

static bool mount_sysfs(const char *source, const char *target) {
  return mount(source, target, "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
}

static bool mount_tmpfs(const char *source, const char *target) {
  return mount(source, target, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755") == 0;
}

// Read-only from now on; what is not said of it stays.
static bool seal(const char *source, const char *target) {
  (void)source;
  return mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
}

static bool bind_sealed(const char *source, const char *target) {
  if (mkdir(target, 0755) < 0 && errno != EEXIST) return false;
  return mount(source, target, NULL, MS_BIND, NULL) == 0 && seal(source, target);
}

// With everything below. What is no mount, or belongs to the one who made our user namespace, stays.
static bool drop(const char *source, const char *target) {
  (void)source;
  return umount2(target, MNT_DETACH) == 0 || errno == EINVAL || errno == ENOENT;
}

// MAKER SOURCE TARGET in a line of run/mounts.
static const struct {
  const char *name;
  bool (*make)(const char *source, const char *target);
} makers[] = {{"overlay", mount_overlay}, {"sysfs", mount_sysfs}, {"tmpfs", mount_tmpfs}, {"bind", bind_sealed}, {"seal", seal}, {"drop", drop}};

static bool make_mount(char *words[3]) {
  for (size_t i = 0; words[2] != NULL && i < sizeof makers / sizeof *makers; i++) {
    if (strcmp(words[0], makers[i].name) == 0) return makers[i].make(words[1], words[2]) || failed("mount", words[2]);
  }
  errno = EINVAL;
  return failed("mount", words[0]);
}

// --- Devices ---

// bubblewrap shows the host's own null, zero and so on, whose owner root in the sandbox is, too: in these mounts nobody changes
// their mode or owner. What is written to a device is not stopped by that.
static bool seal_devices(void) {
  struct mount_attr sealed = {.attr_set = MOUNT_ATTR_RDONLY};
  if (syscall(SYS_mount_setattr, AT_FDCWD, "/dev", AT_RECURSIVE, &sealed, sizeof sealed) < 0) return failed("seal", "/dev");
  // Once more, through the sealed mount: who has a descriptor may change what is behind it.
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  return (nothing >= 0 && dup2(nothing, STDIN_FILENO) == STDIN_FILENO) || failed("open", "/dev/null");
}

// --- Volumes ---

// bubblewrap would follow a link that has come into the place of what the server looked at: whoever shares the volume may put one
// there. The server hands over paths without links, and none is followed here.
static int open_volume(const char *path) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
  return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

static bool make_place(int volume, const char *place) {
  struct stat status;
  if (fstat(volume, &status) < 0) return false;
  int made = S_ISDIR(status.st_mode) ? mkdir(place, 0700) : mknod(place, S_IFREG | 0600, 0);
  return made == 0 || errno == EEXIST;
}

// With what is mounted below it.
static bool attach(int volume, const char *place) {
  int tree = (int)syscall(SYS_open_tree, volume, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  bool attached = tree >= 0 && syscall(SYS_move_mount, tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) == 0;
  int error = errno;
  if (tree >= 0) close(tree);
  errno = error;
  return attached;
}

static bool hold_volume(const char *path, int number) {
  char place[32];
  snprintf(place, sizeof place, "run/volume-%d", number);
  int volume = open_volume(path);
  if (volume < 0) return failed("open", path);
  bool held = (make_place(volume, place) && attach(volume, place)) || failed("mount", path);
  close(volume);
  return held;
}

static bool hold_volumes(void) {
  FILE *file = fopen("run/volumes", "re");
  if (file == NULL) return errno == ENOENT || failed("read", "run/volumes");
  char *path = NULL;
  size_t size = 0;
  bool done = true;
  for (int i = 0; done && getdelim(&path, &size, 0, file) > 0; i++) done = hold_volume(path, i);
  free(path);
  fclose(file);
  return done;
}

// --- Namespaces ---

static bool enter_network(const char *path) {
  int network = open(path, O_RDONLY | O_CLOEXEC);
  bool entered = network >= 0 && setns(network, CLONE_NEWNET) == 0;
  if (!entered) failed("enter the network", path);
  if (network >= 0) close(network);
  return entered;
}

// What is mounted from now on is seen nowhere else.
static bool separate_mounts(void) {
  if (unshare(CLONE_NEWNS) < 0) return failed("make", "a mount namespace");
  return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 || failed("separate", "the mounts");
}

// --- The three processes: this one, the log's writer, the sandbox ---

// A descriptor above those that bubblewrap expects, so that none is in the way of another.
static int above(int file) {
  int moved = file < 0 ? -1 : fcntl(file, F_DUPFD_CLOEXEC, ABOVE);
  if (file >= 0) close(file);
  return moved;
}

static bool make_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) < 0) return false;
  ends[0] = above(ends[0]);
  ends[1] = above(ends[1]);
  return ends[0] >= 0 && ends[1] >= 0;
}

static bool hand_on(const char *path, int flags, int number) {
  int file = above(open(path, flags | O_CLOEXEC, 0666));
  return (file >= 0 && dup2(file, number) == number) || failed("open", path);
}

static _Noreturn void execute(char **command) {
  execvp(command[0], command);
  failed("start", command[0]);
  _exit(1);
}

// In no cgroup of the sandbox: it neither dies with it nor counts as its memory.
static _Noreturn void become_writer(int input) {
  static char *const command[] = {"svlogd", "-ttt", "-b", "32768", "-l", "32000", "log", NULL};
  int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
  setsid();
  if (dup2(input, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0 || dup2(nothing, STDERR_FILENO) < 0) _exit(1);
  execute((char **)command);
}

static _Noreturn void become_sandbox(const char *network, char **first, int output, int info) {
  static char *command[MAX_COMMAND] = {"bwrap", "--args", "4", "--seccomp", "6", "--info-fd", "3", "--json-status-fd", "5", "--"};
  size_t count = 0;
  while (command[count] != NULL) count++;
  while (*first != NULL && count < MAX_COMMAND - 1) command[count++] = *first++;
  setsid();
  if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) _exit(1);
  if (*first != NULL) {
    errno = E2BIG;
    failed("take the arguments of", command[0]);
    _exit(1);
  }
  if (each_line("run/cgroups", false, join_cgroup) && each_line("run/processes", true, limit_processes) && enter_network(network) &&
      separate_mounts() && hold_volumes() && seal_devices() && each_line("run/mounts", false, make_mount) && hand_on("run/args", O_RDONLY, ARGUMENTS) &&
      hand_on("run/status", O_WRONLY | O_APPEND | O_CREAT, STATUS) && hand_on(filter_path, O_RDONLY, FILTER) && dup2(info, INFO) == INFO) {
    execute(command);
  }
  _exit(1);
}

// bubblewrap and what leads to it hold the other end open until the namespaces are there.
static bool await_end(int info) {
  char ignored[512];
  for (;;) {
    ssize_t length = read(info, ignored, sizeof ignored);
    if (length == 0) return true;
    if (length < 0 && errno != EINTR) return failed("read", "bubblewrap's information");
  }
}

int enter_run(int argc, char **argv) {
  int log[2], info[2];
  if (argc < 3 || strcmp(argv[1], "--") != 0) {
    fprintf(stderr, "usage: execd enter NETWORK -- CMD...\n");
    return 2;
  }
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0) return failed("open", "/dev/null"), 1;
  if (!make_pipe(log) || !make_pipe(info)) return failed("make", "a pipe"), 1;
  pid_t writer = fork();
  if (writer == 0) become_writer(log[0]);
  pid_t sandbox = writer < 0 ? -1 : fork();
  if (sandbox == 0) become_sandbox(argv[0], argv + 2, log[1], info[1]);
  if (sandbox < 0) return failed("start", "a process"), 1;
  close(log[1]);
  close(info[1]);
  return await_end(info[0]) ? 0 : 1;
}
