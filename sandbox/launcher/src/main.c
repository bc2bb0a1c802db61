// The launcher: `execd` as users see it. PROTOCOL.md describes it.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "as.h"
#include "bootstrap.h"
#include "enter.h"
#include "filter.h"
#include "install.h"
#include "network.h"
#include "overlay.h"
#include "standalone.h"
#include "supervisor.h"

static const char usage[] =
    "usage: execd [FLAGS]                serves the sandbox; flags take one dash or two\n"
    "       execd install DIR            puts execd, bootstrap.sh and the runtime into a directory\n"
    "       execd bootstrap -- CMD...    starts execd and the command, without needing a shell\n"
    "       execd broker --socket PATH   starts processes only, for tests\n"
    "       execd --version\n"
    "\n"
    "  --port N                          where to listen (44772)\n"
    "  --access-token TEXT               what clients must send (EXECD_ACCESS_TOKEN; none)\n"
    "  --jupyter-host URL                the Jupyter server (JUPYTER_HOST; none)\n"
    "  --jupyter-token TEXT              its token (JUPYTER_TOKEN; none)\n"
    "  --log-level N                     0-2 fatal, 3 error, 4 warn, 5-6 info, 7 debug (6)\n"
    "  --graceful-shutdown-timeout TIME  (EXECD_API_GRACE_SHUTDOWN; 1s)\n"
    "  --jupyter-idle-poll-interval TIME (EXECD_JUPYTER_IDLE_POLL_INTERVAL; 100ms)\n";

static int print_usage(void) {
  fputs(usage, stdout);
  return 0;
}

static bool is_flag(const char *argument, const char *name) {
  return argument[0] == '-' && strcmp(argument + (argument[1] == '-' ? 2 : 1), name) == 0;
}

static int print_version(void) {
  puts("execd " EXECD_VERSION);
  return 0;
}

int main(int argc, char **argv) {
  const char *command = argc > 1 ? argv[1] : "";
  if (strcmp(command, "broker") == 0) return standalone_broker(argc - 2, argv + 2);
  if (strcmp(command, "install") == 0) return install_run(argc - 2, argv + 2);
  if (strcmp(command, "as") == 0) return as_run(argc - 2, argv + 2);
  if (strcmp(command, "overlay") == 0) return overlay_run(argc - 2, argv + 2);
  if (strcmp(command, "enter") == 0) return enter_run(argc - 2, argv + 2);
  if (strcmp(command, "network") == 0) return network_run(argc - 2, argv + 2);
  if (strcmp(command, "bootstrap") == 0) return bootstrap_run(argc - 2, argv + 2);
  if (strcmp(command, "zstd") == 0) return filter_compress();
  if (strcmp(command, "unzstd") == 0) return filter_decompress();
  if (is_flag(command, "version")) return print_version();
  if (is_flag(command, "help") || is_flag(command, "h")) return print_usage();
  return supervisor_run(argc, argv);
}
