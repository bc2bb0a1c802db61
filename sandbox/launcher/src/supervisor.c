#include "supervisor.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker.h"
#include "clone3.h"
#include "jvm.h"
#include "loop.h"
#include "payload.h"
#include "port.h"
#include "self.h"
#include "setup.h"
#include "signals.h"
#include "tree.h"

enum {
  EXIT_HIBERNATE = 77,
  EXIT_CONFIGURATION = 78,
  FIRST_PAUSE_MILLIS = 100,
  MAX_PAUSE_MILLIS = 5000,
  STABLE_MILLIS = 60000,
  JVM_GRACE_MILLIS = 5000,
  PROCESS_GRACE_MILLIS = 1000,
};

enum phase {
  RUNNING,      // the JVM lives
  PAUSING,      // it died; `timer` starts it again
  HIBERNATING,  // it wanted to; a connection starts it again
  STOPPING,     // TERM sent to the JVM; `timer` kills it
  CLEARING,     // TERM sent to the processes; `timer` kills them
};

static enum phase phase;
static pid_t jvm;
static int64_t started_at;
static int64_t pause_millis;
static int exit_status;

static void on_timer(struct timer *timer);
static void on_client(struct source *source, uint32_t events);

static struct timer timer = {.fired = on_timer};
static struct source listening = {.fd = -1, .ready = on_client};

static void finish(int status) {
  exit_status = status;
  loop_stop();
}

// --- The JVM ---

static void plan_restart(void) {
  phase = PAUSING;
  timer_set(&timer, pause_millis);
  pause_millis = pause_millis == 0 ? FIRST_PAUSE_MILLIS : pause_millis * 2;
  if (pause_millis > MAX_PAUSE_MILLIS) pause_millis = MAX_PAUSE_MILLIS;
}

static void start_jvm(void) {
  source_watch(&listening, 0);
  phase = RUNNING;
  started_at = now_millis();
  jvm = jvm_start(listening.fd);
  if (jvm > 0) {
    broker_allow(jvm);
    return;
  }
  fprintf(stderr, "execd: cannot fork: %s\n", strerror(errno));
  plan_restart();
}

static void hibernate(void) {
  phase = HIBERNATING;
  pause_millis = 0;
  if (!source_watch(&listening, EPOLLIN)) start_jvm();
}

static void on_client(struct source *source, uint32_t events) {
  (void)source;
  (void)events;
  start_jvm();
}

static void restart(int status) {
  if (now_millis() - started_at >= STABLE_MILLIS) pause_millis = 0;
  int pause = (int)pause_millis;
  plan_restart();
  fprintf(stderr, "execd: the JVM ended with %s %d and is started again in %d ms\n", WIFSIGNALED(status) ? "signal" : "status",
          WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), pause);
}

// --- Stopping: first the JVM, then every process it had started ---

static void clear_processes(void) {
  phase = CLEARING;
  if (!broker_signal_all(SIGTERM)) {
    finish(0);
    return;
  }
  timer_set(&timer, PROCESS_GRACE_MILLIS);
}

static void stop(void) {
  source_watch(&listening, 0);
  timer_clear(&timer);
  if (phase == RUNNING) {
    phase = STOPPING;
    kill(jvm, SIGTERM);
    timer_set(&timer, JVM_GRACE_MILLIS);
  } else if (phase == PAUSING || phase == HIBERNATING) {
    clear_processes();
  }
}

static void on_timer(struct timer *fired) {
  (void)fired;
  switch (phase) {
    case PAUSING: start_jvm(); break;
    case STOPPING: kill(jvm, SIGKILL); break;
    case CLEARING:
      broker_signal_all(SIGKILL);
      finish(0);
      break;
    case RUNNING:
    case HIBERNATING: break;
  }
}

// --- Events ---

static void on_child(pid_t pid, int status) {
  if (pid != jvm) return;
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  jvm = -1;
  broker_allow(-1);
  if (phase == STOPPING) {
    clear_processes();
  } else if (code == EXIT_HIBERNATE) {
    hibernate();
  } else if (code == EXIT_CONFIGURATION) {
    finish(1);
  } else {
    restart(status);
  }
}

static void on_signal(int signal) {
  if (signal != SIGCHLD) {
    stop();
    return;
  }
  broker_reap(on_child);
  if (phase == CLEARING && !broker_signal_all(0)) finish(0);
}

// --- Beginning ---

static bool open_broker(char *path, size_t length) {
  unsigned random = 0;
  if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0) random = (unsigned)getpid();
  for (const char *const *place = tree_places(); *place != NULL; place++) {
    snprintf(path, length, "%s/.execd-%x.sock", *place, random);
    if (broker_open(path)) return true;
  }
  fprintf(stderr, "execd: no place for the broker's socket: %s\n", strerror(errno));
  return false;
}

static bool listen_on(int port) {
  listening.fd = port_listen(port);
  if (listening.fd >= 0) return true;
  fprintf(stderr, "execd: cannot listen on port %d: %s\n", port, strerror(errno));
  return false;
}

static bool open_loop(void) {
  if (setup_process() && loop_open() && signals_open(on_signal)) return true;
  fprintf(stderr, "execd: cannot start: %s\n", strerror(errno));
  return false;
}

static bool find_tree(char *tree, size_t length) {
  struct payload payload;
  if (!payload_open(&payload)) return false;
  bool found = tree_find(&payload, tree, length);
  payload_close(&payload);
  return found;
}

// What was copied from another sandbox sleeps until somebody wants it, so that many copies start at once.
static bool on_demand(void) {
  const char *start = getenv("EXECD_START");
  return start != NULL && strcmp(start, "on-demand") == 0;
}

int supervisor_run(int argc, char **argv) {
  char tree[PATH_MAX];
  char broker[PATH_MAX];
  int port = port_parse(argc - 1, argv + 1);
  if (port < 0) return 2;
  if (!clone3_apply(argv)) return 1;
  // The port first: from now on a client waits instead of being refused.
  if (!open_loop() || !listen_on(port) || !find_tree(tree, sizeof tree) || !open_broker(broker, sizeof broker)) return 1;
  broker_allow(-1);
  if (jvm_prepare(tree, broker, argv + 1)) {
    if (on_demand()) {
      hibernate();
    } else {
      start_jvm();
    }
    loop_run();
  } else {
    exit_status = 1;
  }
  broker_close();
  return exit_status;
}
