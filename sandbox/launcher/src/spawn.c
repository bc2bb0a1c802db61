#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

enum { STDIN, STDOUT, STDERR, STATE, FIRST_INPUT };

// A descriptor of the child: it exists here as `fd` and becomes `target` there.
struct mapping {
  int fd;
  int target;
};

struct plan {
  const struct request *request;
  struct mapping *mappings;  // the fixed ones by name, then one per input
  size_t count;
  int verdict;  // where the child reports a failure
};

static struct rlimit original_files;

void spawn_remember_limits(void) { getrlimit(RLIMIT_NOFILE, &original_files); }

void failure_set(struct failure *failure, int error, const char *step, const char *subject) {
  const char *space = subject[0] != 0 ? " " : "";
  failure->error = error;
  snprintf(failure->text, sizeof failure->text, "%s%s%.150s: %s", step, space, subject, strerror(error));
}

// --- In the child, between fork and exec ---

static _Noreturn void give_up(const struct plan *plan, const char *step, const char *subject) {
  struct failure failure;
  failure_set(&failure, errno, step, subject);
  // Fits into an empty pipe; nobody is left to hear of a failure to write it.
  if (write(plan->verdict, &failure, sizeof failure) < 0) _exit(126);
  _exit(127);
}

static void enter_group(const struct plan *plan) {
  if ((plan->request->flags & SPAWN_TERMINAL) == 0) {
    if (setpgid(0, 0) < 0) give_up(plan, "setpgid", "");
    return;
  }
  if (setsid() < 0) give_up(plan, "setsid", "");
  if (ioctl(plan->mappings[STDIN].fd, TIOCSCTTY, 0) < 0) give_up(plan, "set controlling terminal", "");
}

static int open_nothing(void) {
  int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) return fd;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  close(ends[1]);
  return ends[0];
}

// Moves every descriptor above all targets first, so that none overwrites another.
static void place_descriptors(struct plan *plan) {
  int above = 3;
  for (size_t i = 0; i < plan->count; i++) {
    if (plan->mappings[i].target >= above) above = plan->mappings[i].target + 1;
  }
  int verdict = fcntl(plan->verdict, F_DUPFD_CLOEXEC, above);
  if (verdict < 0) give_up(plan, "move descriptor", "");
  plan->verdict = verdict;
  if (plan->mappings[STDIN].fd < 0) plan->mappings[STDIN].fd = open_nothing();
  for (size_t i = 0; i < plan->count; i++) {
    struct mapping *mapping = &plan->mappings[i];
    if (mapping->target < 0) continue;
    mapping->fd = fcntl(mapping->fd, F_DUPFD_CLOEXEC, above);
    if (mapping->fd < 0) give_up(plan, "move descriptor", "");
  }
  for (size_t i = 0; i < plan->count; i++) {
    struct mapping mapping = plan->mappings[i];
    if (mapping.target >= 0 && dup2(mapping.fd, mapping.target) < 0) give_up(plan, "place descriptor", "");
  }
}

static void set_limits(const struct plan *plan) {
  setrlimit(RLIMIT_NOFILE, &original_files);
  for (size_t i = 0; i < plan->request->limit_count; i++) {
    struct limit limit = plan->request->limits[i];
    struct rlimit value = {.rlim_cur = limit.soft, .rlim_max = limit.hard};
    if (setrlimit((int)limit.resource, &value) < 0) give_up(plan, "set limit", "");
  }
}

// Best effort: /proc may be absent or read-only, and lowering the score needs a capability.
static void set_oom_score(int score) {
  char text[16];
  int length = snprintf(text, sizeof text, "%d", score);
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, text, (size_t)length) < 0) errno = 0;
  close(fd);
}

static bool is_already(const struct request *request) {
  return (!request->has_uid || request->uid == geteuid()) && (!request->has_gid || request->gid == getegid());
}

static void change_user(const struct plan *plan) {
  const struct request *request = plan->request;
  if (!request->has_uid && !request->has_gid) return;
  char number[16];
  // An unprivileged execd may not touch its groups, but may well be asked to stay what it is.
  if (setgroups(request->group_count, request->groups) < 0 && !is_already(request)) give_up(plan, "set groups", "");
  snprintf(number, sizeof number, "%u", request->gid);
  if (request->has_gid && syscall(SYS_setresgid, request->gid, request->gid, request->gid) < 0) give_up(plan, "set group", number);
  snprintf(number, sizeof number, "%u", request->uid);
  if (request->has_uid && syscall(SYS_setresuid, request->uid, request->uid, request->uid) < 0) give_up(plan, "set user", number);
}

static _Noreturn void become(struct plan *plan) {
  const struct request *request = plan->request;
  sigset_t none;
  enter_group(plan);
  place_descriptors(plan);
  if (request->has_oom) set_oom_score(request->oom);
  set_limits(plan);
  change_user(plan);
  if (request->cwd != NULL && chdir(request->cwd) < 0) give_up(plan, "chdir", request->cwd);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(request->argv[0], request->argv, request->env);
  give_up(plan, "exec", request->argv[0]);
}

// --- In the launcher ---

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static bool make_nonblocking(int fd) { return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0; }

// A pipe belongs to who made it; the child's user must be able to open it again as /dev/stdout.
static void give_to_user(const struct request *request, int fd) {
  if (!request->has_uid && !request->has_gid) return;
  uid_t uid = request->has_uid ? request->uid : (uid_t)-1;
  gid_t gid = request->has_gid ? request->gid : (gid_t)-1;
  if (fchown(fd, uid, gid) < 0) errno = 0;  // the process can still use the descriptor itself
}

// Makes a pipe of which the child gets the writing end (or the reading end when `child_reads`).
static bool open_pipe(const struct request *request, bool child_reads, int *ours, int *theirs) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return false;
  *ours = ends[child_reads ? 1 : 0];
  *theirs = ends[child_reads ? 0 : 1];
  give_to_user(request, *theirs);
  return make_nonblocking(*ours);
}

// The name of the terminal in this mount namespace may be another's; TIOCGPTPEER needs none.
static int open_peer(int master) {
  int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (peer >= 0) return peer;
  char name[64];
  if (ptsname_r(master, name, sizeof name) != 0) return -1;
  return open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static bool open_terminal(const struct request *request, struct spawned *spawned, struct mapping *mappings) {
  spawned->out = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (spawned->out < 0 || unlockpt(spawned->out) < 0 || !make_nonblocking(spawned->out)) return false;
  int peer = open_peer(spawned->out);
  if (peer < 0) return false;
  mappings[STDIN].fd = peer;
  spawned->in = fcntl(spawned->out, F_DUPFD_CLOEXEC, 0);
  mappings[STDOUT].fd = fcntl(peer, F_DUPFD_CLOEXEC, 0);
  mappings[STDERR].fd = fcntl(peer, F_DUPFD_CLOEXEC, 0);
  if (spawned->in < 0 || mappings[STDOUT].fd < 0 || mappings[STDERR].fd < 0) return false;
  struct termios settings;
  if (tcgetattr(peer, &settings) == 0) {
    settings.c_iflag |= IUTF8;
    tcsetattr(peer, TCSANOW, &settings);
  }
  struct winsize size = {.ws_row = request->rows, .ws_col = request->columns};
  ioctl(spawned->out, TIOCSWINSZ, &size);
  give_to_user(request, peer);
  return true;
}

static bool open_pipes(const struct request *request, struct spawned *spawned, struct mapping *mappings) {
  if ((request->flags & SPAWN_STDIN_PIPE) != 0 && !open_pipe(request, true, &spawned->in, &mappings[STDIN].fd)) return false;
  if (!open_pipe(request, false, &spawned->out, &mappings[STDOUT].fd)) return false;
  if ((request->flags & SPAWN_STDERR_TO_STDOUT) != 0) {
    mappings[STDERR].fd = fcntl(mappings[STDOUT].fd, F_DUPFD_CLOEXEC, 0);
    return mappings[STDERR].fd >= 0;
  }
  return open_pipe(request, false, &spawned->err, &mappings[STDERR].fd);
}

static bool write_all(int fd, const uint8_t *data, size_t length) {
  while (length > 0) {
    ssize_t count = write(fd, data, length);
    if (count < 0) return false;
    data += count;
    length -= (size_t)count;
  }
  return true;
}

// A memory file holds any length and can be read again through /dev/fd; kernels without it get a pipe, if that is enough.
static int open_input(const struct request *request, const struct input *input) {
  int fd = (int)syscall(SYS_memfd_create, "input", 1U /* MFD_CLOEXEC */);
  if (fd >= 0) {
    give_to_user(request, fd);
    if (write_all(fd, input->data, input->length) && lseek(fd, 0, SEEK_SET) == 0) return fd;
    close(fd);
    return -1;
  }
  int ours = -1, theirs = -1;
  bool done = open_pipe(request, true, &ours, &theirs) && write_all(ours, input->data, input->length);
  close_fd(&ours);
  if (!done) close_fd(&theirs);
  return theirs;
}

static bool open_inputs(const struct request *request, struct mapping *mappings) {
  for (size_t i = 0; i < request->input_count; i++) {
    mappings[i].target = request->inputs[i].fd;
    mappings[i].fd = open_input(request, &request->inputs[i]);
    if (mappings[i].fd < 0) return false;
  }
  return true;
}

static bool open_all(const struct request *request, struct spawned *spawned, struct plan *plan) {
  struct mapping *mappings = plan->mappings;
  bool terminal = (request->flags & SPAWN_TERMINAL) != 0;
  if (!(terminal ? open_terminal : open_pipes)(request, spawned, mappings)) return false;
  if (request->state_fd >= 0 && !open_pipe(request, false, &spawned->state, &mappings[STATE].fd)) return false;
  if (!open_inputs(request, mappings + FIRST_INPUT)) return false;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return false;
  spawned->verdict = ends[0];
  plan->verdict = ends[1];
  return make_nonblocking(spawned->verdict);
}

bool spawn(const struct request *request, struct spawned *spawned, struct failure *failure) {
  *spawned = (struct spawned){.in = -1, .out = -1, .err = -1, .state = -1, .verdict = -1};
  struct plan plan = {.request = request, .count = FIRST_INPUT + request->input_count, .verdict = -1};
  plan.mappings = calloc(plan.count, sizeof *plan.mappings);
  if (plan.mappings == NULL) {
    failure_set(failure, ENOMEM, "spawn", "");
    return false;
  }
  for (size_t i = 0; i < plan.count; i++) plan.mappings[i] = (struct mapping){.fd = -1, .target = -1};
  for (int i = STDIN; i <= STDERR; i++) plan.mappings[i].target = i;
  plan.mappings[STATE].target = request->state_fd;

  bool opened = open_all(request, spawned, &plan);
  if (!opened) failure_set(failure, errno, "open descriptors", "");
  spawned->pid = opened ? fork() : -1;
  if (spawned->pid == 0) become(&plan);
  if (opened && spawned->pid < 0) failure_set(failure, errno, "fork", "");

  for (size_t i = 0; i < plan.count; i++) close_fd(&plan.mappings[i].fd);
  close_fd(&plan.verdict);
  free(plan.mappings);
  if (spawned->pid > 0) return true;
  close_fd(&spawned->in);
  close_fd(&spawned->out);
  close_fd(&spawned->err);
  close_fd(&spawned->state);
  close_fd(&spawned->verdict);
  return false;
}
