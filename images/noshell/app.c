// The only program of an image without a shell: `app print WORD...`, `app exit STATUS`, `app sleep [SECONDS]`. As
// /pause it sleeps. TERM ends it with status 0.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_term(int signal) {
  (void)signal;
  _exit(0);
}

static int print(char **words) {
  for (; *words != NULL; words++) printf(words[1] != NULL ? "%s " : "%s", *words);
  putchar('\n');
  return 0;
}

static int rest(const char *seconds) {
  if (seconds != NULL) {
    sleep((unsigned)atoi(seconds));
    return 0;
  }
  for (;;) pause();
}

int main(int argc, char **argv) {
  signal(SIGTERM, on_term);
  const char *command = argc > 1 ? argv[1] : "sleep";
  if (strcmp(command, "print") == 0) return print(argv + 2);
  if (strcmp(command, "exit") == 0 && argc > 2) return atoi(argv[2]);
  if (strcmp(command, "sleep") == 0) return rest(argc > 2 ? argv[2] : NULL);
  fprintf(stderr, "usage: app print WORD... | exit STATUS | sleep [SECONDS]\n");
  return 2;
}
