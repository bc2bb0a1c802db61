#include "clone3.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "self.h"

static const char variable[] = "EXECD_CLONE3_COMPAT";
static const char marker[] = "_EXECD_CLONE3_COMPAT_APPLIED";

enum mode { OFF, FILTER, REEXEC, INVALID };

enum { NR_CLONE3 = 435 };

#if defined(__x86_64__)
static const unsigned own_arch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
static const unsigned own_arch = AUDIT_ARCH_AARCH64;
#else
#error "unknown architecture"
#endif

static bool is_one_of(const char *value, const char *const *words) {
  for (; *words != NULL; words++) {
    if (strcasecmp(value, *words) == 0) return true;
  }
  return false;
}

static enum mode parse(const char *text) {
  static const char *const off[] = {"", "0", "false", "off", "no", NULL};
  static const char *const on[] = {"1", "true", "yes", "on", NULL};
  char value[16] = "";
  text += strspn(text, " \t\r\n");
  size_t length = strlen(text);
  while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL) length--;
  if (length >= sizeof value) return INVALID;
  memcpy(value, text, length);
  if (is_one_of(value, off)) return OFF;
  if (is_one_of(value, on)) return FILTER;
  return strcasecmp(value, "reexec") == 0 ? REEXEC : INVALID;
}

static bool install_filter(void) {
  struct sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, own_arch, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NR_CLONE3, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof rules / sizeof *rules, .filter = rules};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool clone3_apply(char **argv) {
  const char *text = getenv(variable);
  enum mode mode = parse(text == NULL ? "" : text);
  if (mode == OFF) return true;
  if (mode == INVALID) {
    fprintf(stderr, "execd: %s=\"%s\" is not valid; use 1, true, yes, on, reexec, 0, false, no or off\n", variable, text);
    return false;
  }
  if (mode == REEXEC && getenv(marker) != NULL) return true;
  if (!install_filter()) {
    fprintf(stderr, "execd: %s: cannot install the seccomp rule: %s\n", variable, strerror(errno));
    return false;
  }
  if (mode == FILTER) return true;
  setenv(marker, "1", 1);
  execv(self_path(), argv);
  fprintf(stderr, "execd: %s: cannot execute \"%s\" again: %s\n", variable, self_path(), strerror(errno));
  return false;
}
