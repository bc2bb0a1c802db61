#include "as.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_GROUPS = 64, USAGE = 2, REFUSED = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

// A decimal number at the start of `text`; returns what follows it, or NULL. The highest number means "unchanged" to the kernel.
static const char *read_id(const char *text, unsigned *id) {
  char *rest;
  if (*text < '0' || *text > '9') return NULL;
  errno = 0;
  unsigned long value = strtoul(text, &rest, 10);
  *id = (unsigned)value;
  return errno == 0 && value < UINT_MAX ? rest : NULL;
}

static bool parse(const char *text, uid_t *uid, gid_t *groups, size_t *count) {
  text = read_id(text, uid);
  if (text == NULL || *text != ':') return false;
  for (*count = 0; *count < MAX_GROUPS;) {
    text = read_id(text + 1, &groups[(*count)++]);
    if (text == NULL) return false;
    if (*text == 0) return true;
    if (*text != ',') return false;
  }
  return false;
}

int as_run(int argc, char **argv) {
  uid_t uid;
  gid_t groups[MAX_GROUPS];
  size_t count;
  if (argc < 3 || strcmp(argv[1], "--") != 0 || !parse(argv[0], &uid, groups, &count)) {
    fprintf(stderr, "usage: execd as UID:GID[,GROUP...] -- CMD...\n");
    return USAGE;
  }
  if (setgroups(count, groups) < 0 || setgid(groups[0]) < 0 || setuid(uid) < 0) {
    fprintf(stderr, "execd as: cannot become user %u: %s\n", uid, strerror(errno));
    return REFUSED;
  }
  execvp(argv[2], argv + 2);
  int error = errno;
  fprintf(stderr, "execd as: %s: %s\n", argv[2], strerror(error));
  return error == ENOENT || error == ENOTDIR ? NOT_FOUND : NOT_EXECUTABLE;
}
