// The launcher: `execd` as users see it. PROTOCOL.md describes it.
#include <stdio.h>
#include <string.h>

#include "standalone.h"

int main(int argc, char **argv) {
  const char *command = argc > 1 ? argv[1] : "";
  if (strcmp(command, "broker") == 0) return standalone_broker(argc - 2, argv + 2);
  fprintf(stderr, "execd: unknown command \"%s\"\n", command);
  return 2;
}
