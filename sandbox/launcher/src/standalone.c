#include "standalone.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "broker.h"
#include "loop.h"
#include "setup.h"
#include "signals.h"

static void on_signal(int signal) {
  if (signal == SIGCHLD) {
    broker_reap(NULL);
  } else {
    loop_stop();
  }
}

int standalone_broker(int argc, char **argv) {
  if (argc != 2 || strcmp(argv[0], "--socket") != 0) {
    fprintf(stderr, "usage: execd broker --socket PATH\n");
    return 2;
  }
  if (!setup_process() || !loop_open() || !signals_open(on_signal) || !broker_open(argv[1])) {
    fprintf(stderr, "execd: cannot serve the broker at \"%s\": %s\n", argv[1], strerror(errno));
    return 1;
  }
  puts("ready");
  fflush(stdout);
  loop_run();
  broker_close();
  broker_signal_all(SIGKILL);
  return 0;
}
