#include "jvm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "hidden.h"

enum { MAX_TEXT = 32 << 10, MAX_ARGUMENTS = 1024 };

extern char **environ;

static char *command[MAX_ARGUMENTS + 1];
static char **environment;

// Reads a small file as text; NULL with errno set.
static char *read_text(const char *path) {
  char *text = malloc(MAX_TEXT);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = text == NULL || fd < 0 ? -1 : read(fd, text, MAX_TEXT - 1);
  if (fd >= 0) close(fd);
  if (length < 0) {
    free(text);
    return NULL;
  }
  text[length] = 0;
  return text;
}

// Appends `line` to `to` with {tree} and {broker} replaced. NULL when the result is too long.
static char *expand(const char *line, const char *tree, const char *broker) {
  char result[MAX_TEXT];
  size_t used = 0;
  while (*line != 0) {
    const char *value = NULL;
    size_t skip = 1;
    if (strncmp(line, "{tree}", 6) == 0) {
      value = tree;
      skip = 6;
    } else if (strncmp(line, "{broker}", 8) == 0) {
      value = broker;
      skip = 8;
    }
    size_t length = value != NULL ? strlen(value) : 1;
    if (used + length >= sizeof result) return NULL;
    memcpy(result + used, value != NULL ? value : line, length);
    used += length;
    line += skip;
  }
  result[used] = 0;
  return strdup(result);
}

bool jvm_prepare(const char *tree, const char *broker, char **arguments) {
  char path[PATH_MAX];
  size_t count = 0;
  snprintf(path, sizeof path, "%s/launch.args", tree);
  char *text = read_text(path);
  environment = hidden_environment(environ, tree);
  if (text == NULL || environment == NULL) {
    fprintf(stderr, "execd: cannot read \"%s\": %s\n", path, strerror(errno));
    return false;
  }
  for (char *line = strtok(text, "\n"); line != NULL && count < MAX_ARGUMENTS; line = strtok(NULL, "\n")) {
    command[count] = expand(line, tree, broker);
    if (command[count++] == NULL) return false;
  }
  free(text);
  while (*arguments != NULL && count < MAX_ARGUMENTS) command[count++] = *arguments++;
  if (count > 0 && *arguments == NULL) return true;
  fprintf(stderr, "execd: no command in \"%s\", or more than %d arguments\n", path, MAX_ARGUMENTS);
  return false;
}

static _Noreturn void become_jvm(int listening, pid_t launcher) {
  sigset_t none;
  // Without its launcher the JVM could start nothing and would keep the port.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == launcher && dup2(listening, STDIN_FILENO) == STDIN_FILENO) {
    setpgid(0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(command[0], command, environment);
  }
  fprintf(stderr, "execd: cannot start \"%s\": %s\n", command[0], strerror(errno));
  _exit(127);
}

pid_t jvm_start(int listening) {
  pid_t launcher = getpid();
  pid_t pid = fork();
  if (pid == 0) become_jvm(listening, launcher);
  return pid;
}
