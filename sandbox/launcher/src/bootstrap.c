#include "bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "directory.h"
#include "trust.h"

enum { MAX_WORDS = 64, NOT_FOUND = 127, NOT_EXECUTABLE = 126, KILLED_BY = 128 };

static const char default_execd[] = "/opt/opensandbox/execd";
static const char default_envs[] = "/opt/opensandbox/.env";

static sigset_t handled;

static const char *setting(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value != NULL && value[0] != 0 ? value : otherwise;
}

static void touch_env_file(void) {
  char directory[PATH_MAX];
  const char *path = setting("EXECD_ENVS", default_envs);
  snprintf(directory, sizeof directory, "%s", path);
  if (!directory_make(dirname(directory))) {
    fprintf(stderr, "warning: failed to create the directory of %s: %s\n", path, strerror(errno));
  }
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0 || futimens(fd, NULL) < 0) fprintf(stderr, "warning: failed to touch %s: %s\n", path, strerror(errno));
  if (fd >= 0) close(fd);
  setenv("EXECD_ENVS", path, 1);
}

// In the child: what a shell gives a background job, then the program.
static _Noreturn void become(char **argv) {
  int nothing = open("/dev/null", O_RDONLY);
  if (nothing > STDIN_FILENO) dup2(nothing, STDIN_FILENO);
  sigprocmask(SIG_UNBLOCK, &handled, NULL);
  execvp(argv[0], argv);
  int error = errno;
  fprintf(stderr, "execd bootstrap: %s: %s\n", argv[0], strerror(error));
  _exit(error == ENOENT || error == ENOTDIR ? NOT_FOUND : NOT_EXECUTABLE);
}

static pid_t start(char **argv) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) become(argv);
  if (pid < 0) fprintf(stderr, "execd bootstrap: cannot fork: %s\n", strerror(errno));
  return pid;
}

// EXECD is a command line: words become arguments.
static void start_execd(void) {
  char *words[MAX_WORDS + 1] = {0};
  size_t count = 0;
  const char *text = setting("EXECD", default_execd);
  char *line = strdup(text);
  printf("starting OpenSandbox Execd daemon at %s.\n", text);
  if (line == NULL) return;
  for (char *word = strtok(line, " \t\n"); word != NULL && count < MAX_WORDS; word = strtok(NULL, " \t\n")) words[count++] = word;
  if (count > 0) start(words);
  free(line);
}

static bool in_path(const char *name) {
  const char *path = setting("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  char file[PATH_MAX];
  while (*path != 0) {
    int length = (int)strcspn(path, ":");
    snprintf(file, sizeof file, "%.*s/%s", length, path, name);
    if (access(file, X_OK) == 0) return true;
    path += length;
    path += *path == ':';
  }
  return false;
}

static const char *find_shell(void) { return setting("BOOTSTRAP_SHELL", in_path("bash") ? "bash" : in_path("sh") ? "sh" : NULL); }

static char *join(char **words) {
  size_t length = 1;
  for (char **word = words; *word != NULL; word++) length += strlen(*word) + 1;
  char *text = calloc(length, 1);
  for (char **word = words; text != NULL && *word != NULL; word++) {
    if (word != words) strcat(text, " ");
    strcat(text, *word);
  }
  return text;
}

// The command that the arguments and BOOTSTRAP_CMD ask for; NULL when it needs a shell and there is none.
static char **choose_command(char **arguments) {
  static char *command[4];
  const char *text = setting("BOOTSTRAP_CMD", NULL);
  if (text == NULL && arguments[0] != NULL && strcmp(arguments[0], "-c") != 0) return arguments;
  const char *shell = find_shell();
  if (shell == NULL) return NULL;
  command[0] = strdup(shell);
  if (text == NULL && arguments[0] == NULL) return command;
  command[1] = strdup("-c");
  command[2] = text != NULL ? strdup(text) : join(arguments + 1);
  return command;
}

// Reaps everything until the command ends; passes TERM on to it.
static int wait_for(pid_t command) {
  bool terminated = false;
  for (;;) {
    int status;
    int signal = sigwaitinfo(&handled, NULL);
    if (signal == SIGTERM) {
      terminated = true;
      kill(command, SIGTERM);
    }
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid != command) continue;
      if (terminated) return 0;
      return WIFSIGNALED(status) ? KILLED_BY + WTERMSIG(status) : WEXITSTATUS(status);
    }
  }
}

int bootstrap_run(int argc, char **argv) {
  if (argc > 0 && strcmp(argv[0], "--") == 0) argv++;
  sigemptyset(&handled);
  sigaddset(&handled, SIGTERM);
  sigaddset(&handled, SIGCHLD);
  sigprocmask(SIG_BLOCK, &handled, NULL);

  if (trust_is_asked() && !trust_prepare()) return 0;
  touch_env_file();
  if (setting("EXECD_BOOTSTRAP_PRE_SCRIPT", NULL) != NULL) {
    fprintf(stderr, "warning: EXECD_BOOTSTRAP_PRE_SCRIPT needs a shell; it is not run by execd bootstrap\n");
  }
  start_execd();
  char **command = choose_command(argv);
  if (command == NULL) {
    fprintf(stderr, "error: neither bash nor sh found in PATH\n");
    return 1;
  }
  pid_t pid = start(command);
  return pid < 0 ? 1 : wait_for(pid);
}
