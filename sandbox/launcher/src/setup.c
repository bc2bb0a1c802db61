#include "setup.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spawn.h"

enum { CLOSE_RANGE_CLOEXEC_FLAG = 4, SYS_CLOSE_RANGE = 436, FALLBACK_FDS = 1024 };

static bool open_standard_descriptors(void) {
  int fd;
  do {
    fd = open("/dev/null", O_RDWR);
    if (fd < 0) return fcntl(STDERR_FILENO, F_GETFD) >= 0;
  } while (fd <= STDERR_FILENO);
  close(fd);
  return true;
}

static void hide_descriptors(void) {
  if (syscall(SYS_CLOSE_RANGE, 3U, ~0U, CLOSE_RANGE_CLOEXEC_FLAG) == 0) return;
  for (int fd = 3; fd < FALLBACK_FDS; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void raise_file_limit(void) {
  struct rlimit files;
  spawn_remember_limits();
  if (getrlimit(RLIMIT_NOFILE, &files) < 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

bool setup_process(void) {
  hide_descriptors();
  raise_file_limit();
  return open_standard_descriptors() && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}
