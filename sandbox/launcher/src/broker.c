#include "broker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop.h"
#include "process.h"

enum { BACKLOG = 1024, RETRY_MILLIS = 100, MAX_CHILDREN = 4096 };

static pid_t allowed;
static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void on_connection(struct source *source, uint32_t events);
static void listen_again(struct timer *timer);

static struct source listener = {.fd = -1, .ready = on_connection};
static struct timer retry = {.fired = listen_again};

void broker_allow(pid_t pid) { allowed = pid; }

static bool may_connect(int connection) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return false;
  return allowed != 0 ? peer.pid == allowed : peer.uid == geteuid();
}

static void on_connection(struct source *source, uint32_t events) {
  (void)events;
  int connection = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (connection >= 0) {
    if (may_connect(connection)) {
      process_accept(connection);
    } else {
      close(connection);
    }
  } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
    // The connection stays pending; without a pause it would wake us again at once.
    source_watch(&listener, 0);
    timer_set(&retry, RETRY_MILLIS);
  }
}

static void listen_again(struct timer *timer) {
  if (!source_watch(&listener, EPOLLIN)) timer_set(timer, RETRY_MILLIS);
}

bool broker_open(const char *path) {
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return false;
  }
  strcpy(address.sun_path, path);
  unlink(path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  mode_t mask = umask(0177);
  bool bound = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
  umask(mask);
  listener.fd = fd;
  if (bound && listen(fd, BACKLOG) == 0 && source_watch(&listener, EPOLLIN)) return true;
  int error = errno;
  source_close(&listener);
  if (bound) unlink(path);
  errno = error;
  return false;
}

void broker_close(void) {
  if (listener.fd < 0) return;
  timer_clear(&retry);
  source_close(&listener);
  unlink(address.sun_path);
}

void broker_reap(void (*other)(pid_t pid, int status)) {
  for (;;) {
    siginfo_t info = {0};
    struct rusage usage;
    int status;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) return;
    struct process *process = process_find(info.si_pid);
    if (process != NULL) process_before_reap(process);
    if (wait4(info.si_pid, &status, 0, &usage) < 0) return;
    if (process != NULL) {
      process_ended(process, status, &usage);
    } else if (other != NULL) {
      other(info.si_pid, status);
    }
  }
}

bool broker_signal_all(int signal) {
  static char children[MAX_CHILDREN * 8];
  char path[64];
  bool any = false;
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t length = read(fd, children, sizeof children - 1);
  close(fd);
  children[length > 0 ? length : 0] = 0;
  char *at = children;
  for (char *end; ; at = end) {
    pid_t child = (pid_t)strtol(at, &end, 10);
    if (end == at) return any;
    // A child stays ours until it is reaped, so neither it nor its group can have become another's.
    pid_t group = getpgid(child);
    if (group <= 0) continue;
    any = true;
    if (group != getpgrp()) {
      kill(-group, signal);
    } else {
      kill(child, signal);
    }
  }
}
