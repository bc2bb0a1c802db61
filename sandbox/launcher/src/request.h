// The SPAWN frame of PROTOCOL.md, parsed.
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
  SPAWN_TERMINAL = 1,
  SPAWN_STDIN_PIPE = 2,
  SPAWN_STDERR_TO_STDOUT = 4,
  SPAWN_KILL_LEFTOVERS = 8,
};

struct limit {
  uint32_t resource;
  uint64_t soft;
  uint64_t hard;
};

// Bytes that the child reads from its descriptor `fd`. They lie in the frame.
struct input {
  int fd;
  const uint8_t *data;
  size_t length;
};

struct request {
  char **argv;  // NULL-terminated, as is env
  char **env;
  const char *cwd;  // NULL: unchanged
  bool has_uid, has_gid, has_oom;
  uid_t uid;
  gid_t gid;
  int32_t oom;
  gid_t *groups;
  size_t group_count;
  uint32_t flags;
  uint16_t rows, columns;
  struct limit *limits;
  size_t limit_count;
  int state_fd;  // -1: none
  struct input *inputs;
  size_t input_count;
  char *text;  // holds every string
};

// Parses the payload of a SPAWN frame, which must outlive the request. NULL and a reason in `*why` when it is not valid.
struct request *request_parse(const uint8_t *payload, size_t length, const char **why);
void request_free(struct request *request);

#endif
