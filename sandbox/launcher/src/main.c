// The launcher: `execd` as users see it. PROTOCOL.md describes it.
#include <stdio.h>
#include <string.h>

#include "bootstrap.h"
#include "install.h"
#include "standalone.h"
#include "supervisor.h"

static int print_version(void) {
  puts("execd " EXECD_VERSION);
  return 0;
}

int main(int argc, char **argv) {
  const char *command = argc > 1 ? argv[1] : "";
  if (strcmp(command, "broker") == 0) return standalone_broker(argc - 2, argv + 2);
  if (strcmp(command, "install") == 0) return install_run(argc - 2, argv + 2);
  if (strcmp(command, "bootstrap") == 0) return bootstrap_run(argc - 2, argv + 2);
  if (strcmp(command, "--version") == 0 || strcmp(command, "-version") == 0) return print_version();
  return supervisor_run(argc, argv);
}
