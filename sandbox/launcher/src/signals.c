#include "signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "loop.h"

static void (*receiver)(int signal);

static void on_signal(struct source *source, uint32_t events) {
  struct signalfd_siginfo info;
  (void)events;
  while (read(source->fd, &info, sizeof info) == (ssize_t)sizeof info) receiver((int)info.ssi_signo);
}

static struct source source = {.fd = -1, .ready = on_signal};

bool signals_open(void (*received)(int signal)) {
  sigset_t handled;
  receiver = received;
  // A shell that starts us in the background leaves INT and QUIT ignored, which our children would inherit.
  for (int i = 1; i < NSIG; i++) signal(i, SIG_DFL);
  sigemptyset(&handled);
  sigaddset(&handled, SIGCHLD);
  sigaddset(&handled, SIGTERM);
  sigaddset(&handled, SIGINT);
  source.fd = signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC);
  sigaddset(&handled, SIGPIPE);
  sigprocmask(SIG_SETMASK, &handled, NULL);
  return source.fd >= 0 && source_watch(&source, EPOLLIN);
}
