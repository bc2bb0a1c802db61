#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WAIT_SECONDS = 300 };

static const char authority[] = "/opt/opensandbox/mitmproxy-ca-cert.pem";
static const char merged[] = "/opt/opensandbox/merged-ca-certificates.pem";

static const char *const system_bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
};

bool trust_is_asked(void) {
  static const char *const truthy[] = {"1", "true", "yes", "on"};
  const char *value = getenv("OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT");
  for (size_t i = 0; value != NULL && i < sizeof truthy / sizeof *truthy; i++) {
    if (strcasecmp(value, truthy[i]) == 0) return true;
  }
  return false;
}

static bool has_content(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
}

enum wait_result { FOUND, TIMED_OUT, TERMINATED };

static enum wait_result wait_for_authority(void) {
  const struct timespec second = {.tv_sec = 1};
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  for (int waited = 0; waited <= MAX_WAIT_SECONDS; waited++) {
    if (has_content(authority)) {
      printf("mitmproxy CA found at %s after %ds\n", authority, waited);
      return FOUND;
    }
    if (sigtimedwait(&term, NULL, &second) == SIGTERM) return TERMINATED;
  }
  return TIMED_OUT;
}

// In the child: asks Python where certifi's bundle is.
static _Noreturn void become_python(const char *python, int answer) {
  int nothing = open("/dev/null", O_RDWR);
  dup2(nothing, STDIN_FILENO);
  dup2(answer, STDOUT_FILENO);
  dup2(nothing, STDERR_FILENO);
  execlp(python, python, "-c", "import certifi; print(certifi.where())", (char *)NULL);
  _exit(127);
}

static bool ask_python(const char *python, char *path, size_t length) {
  int ends[2];
  int status = -1;
  if (pipe2(ends, O_CLOEXEC) < 0) return false;
  pid_t pid = fork();
  if (pid == 0) become_python(python, ends[1]);
  close(ends[1]);
  size_t used = 0;
  for (ssize_t count; used < length - 1 && (count = read(ends[0], path + used, length - 1 - used)) > 0;) used += (size_t)count;
  path[used] = 0;
  path[strcspn(path, "\n")] = 0;
  close(ends[0]);
  return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 && has_content(path);
}

static bool find_bundle(char *path, size_t length) {
  if (ask_python("python3", path, length) || ask_python("python", path, length)) return true;
  for (size_t i = 0; i < sizeof system_bundles / sizeof *system_bundles; i++) {
    snprintf(path, length, "%s", system_bundles[i]);
    if (has_content(path)) return true;
  }
  return false;
}

static bool append_file(int to, const char *path) {
  int from = open(path, O_RDONLY | O_CLOEXEC);
  if (from < 0) return false;
  ssize_t count;
  do {
    count = sendfile(to, from, NULL, 1 << 20);
  } while (count > 0);
  close(from);
  return count == 0;
}

static bool merge(const char *bundle) {
  char temporary[sizeof merged + 8];
  snprintf(temporary, sizeof temporary, "%s.new", merged);
  int to = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (to < 0) return false;
  // The bundle may lack its last line end, which would glue two certificates together.
  bool done = append_file(to, bundle) && write(to, "\n", 1) == 1 && append_file(to, authority) && rename(temporary, merged) == 0;
  int error = errno;
  close(to);
  errno = error;
  return done;
}

bool trust_prepare(void) {
  char bundle[PATH_MAX];
  enum wait_result result = wait_for_authority();
  if (result == TERMINATED) return false;
  if (result == TIMED_OUT) {
    fprintf(stderr, "warning: no mitmproxy CA at %s after %ds; going on without it\n", authority, MAX_WAIT_SECONDS);
    return true;
  }
  fprintf(stderr, "warning: without a shell the mitmproxy CA is not added to the system's certificate store\n");
  const char *roots = merged;
  if (!find_bundle(bundle, sizeof bundle)) {
    fprintf(stderr, "warning: no root bundle found; only the mitmproxy CA is trusted\n");
    roots = authority;
  } else if (!merge(bundle)) {
    fprintf(stderr, "warning: cannot write %s: %s; only the mitmproxy CA is trusted\n", merged, strerror(errno));
    roots = authority;
  }
  setenv("NODE_EXTRA_CA_CERTS", authority, 1);
  setenv("REQUESTS_CA_BUNDLE", roots, 1);
  setenv("SSL_CERT_FILE", roots, 1);
  return true;
}
