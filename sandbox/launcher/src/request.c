#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "hidden.h"

enum tag {
  TAG_ARGV = 1,
  TAG_ENV,
  TAG_CWD,
  TAG_UID,
  TAG_GID,
  TAG_GROUP,
  TAG_FLAGS,
  TAG_SIZE,
  TAG_LIMIT,
  TAG_OOM,
  TAG_STATE,
  TAG_INPUT,
  TAG_END,
};

enum { FIELD_HEADER = 5, MAX_CHILD_FD = 1023, KNOWN_FLAGS = 15 };

// One field of the frame; `data` is NULL when there are no more.
struct field {
  uint8_t tag;
  const uint8_t *data;
  size_t length;
};

// How many bytes a value has; 0 stands for any number.
static const size_t value_length[TAG_END] = {
    [TAG_UID] = 4, [TAG_GID] = 4, [TAG_GROUP] = 4, [TAG_FLAGS] = 4, [TAG_SIZE] = 4, [TAG_LIMIT] = 20, [TAG_OOM] = 4, [TAG_STATE] = 4,
};

static struct field next_field(const uint8_t **at, const uint8_t *end) {
  if (*at == end) return (struct field){0};
  struct field field = {.tag = **at, .length = get_u32(*at + 1), .data = *at + FIELD_HEADER};
  *at = field.data + field.length;
  return field;
}

static bool is_text(uint8_t tag) { return tag == TAG_ARGV || tag == TAG_ENV || tag == TAG_CWD; }

// Checks every field's frame and counts them by tag; NULL when all is well.
static const char *check(const uint8_t *at, const uint8_t *end, size_t counts[TAG_END]) {
  while (at < end) {
    if (end - at < FIELD_HEADER || get_u32(at + 1) > (size_t)(end - at - FIELD_HEADER)) return "field is cut short";
    struct field field = next_field(&at, end);
    if (field.tag == 0 || field.tag >= TAG_END) return "unknown field";
    if (value_length[field.tag] != 0 && field.length != value_length[field.tag]) return "field has the wrong length";
    if (field.tag == TAG_INPUT && field.length < 4) return "field has the wrong length";
    if (is_text(field.tag) && memchr(field.data, 0, field.length) != NULL) return "text contains a zero byte";
    counts[field.tag]++;
  }
  return counts[TAG_ARGV] == 0 ? "argv is missing" : NULL;
}

static char *copy_text(char **free_text, struct field field) {
  char *text = *free_text;
  memcpy(text, field.data, field.length);
  text[field.length] = 0;
  *free_text += field.length + 1;
  return text;
}

// Where the next repeatable field of each kind goes.
struct cursor {
  char *text;
  size_t argv, env;
};

static void take(struct request *request, struct field field, struct cursor *cursor) {
  const uint8_t *data = field.data;
  switch ((enum tag)field.tag) {
    case TAG_ARGV: request->argv[cursor->argv++] = copy_text(&cursor->text, field); break;
    case TAG_ENV: request->env[cursor->env++] = copy_text(&cursor->text, field); break;
    case TAG_CWD: request->cwd = copy_text(&cursor->text, field); break;
    case TAG_UID:
      request->has_uid = true;
      request->uid = get_u32(data);
      break;
    case TAG_GID:
      request->has_gid = true;
      request->gid = get_u32(data);
      break;
    case TAG_GROUP: request->groups[request->group_count++] = get_u32(data); break;
    case TAG_FLAGS: request->flags = get_u32(data); break;
    case TAG_SIZE:
      request->rows = get_u16(data);
      request->columns = get_u16(data + 2);
      break;
    case TAG_LIMIT:
      request->limits[request->limit_count++] = (struct limit){get_u32(data), get_u64(data + 4), get_u64(data + 12)};
      break;
    case TAG_OOM:
      request->has_oom = true;
      request->oom = (int32_t)get_u32(data);
      break;
    case TAG_STATE: request->state_fd = (int)get_u32(data); break;
    case TAG_INPUT:
      request->inputs[request->input_count++] = (struct input){(int)get_u32(data), data + 4, field.length - 4};
      break;
    case TAG_END: break;
  }
}

static const char *check_values(const struct request *request) {
  if (strchr(request->argv[0], '/') == NULL) return "argv[0] has no slash";
  if ((request->flags & ~(uint32_t)KNOWN_FLAGS) != 0) return "unknown flag";
  if (request->state_fd != -1 && (request->state_fd < 3 || request->state_fd > MAX_CHILD_FD)) return "state descriptor is not in 3..1023";
  for (size_t i = 0; i < request->input_count; i++) {
    if (request->inputs[i].fd < 0 || request->inputs[i].fd > MAX_CHILD_FD) return "input descriptor is not in 0..1023";
  }
  return NULL;
}

struct request *request_parse(const uint8_t *payload, size_t length, const char **why) {
  size_t counts[TAG_END] = {0};
  const uint8_t *end = payload + length;
  *why = check(payload, end, counts);
  if (*why != NULL) return NULL;

  struct request *request = calloc(1, sizeof *request);
  if (request == NULL) goto no_memory;
  request->rows = 24;
  request->columns = 80;
  request->state_fd = -1;
  request->argv = calloc(counts[TAG_ARGV] + 1, sizeof *request->argv);
  request->env = calloc(counts[TAG_ENV] + 1, sizeof *request->env);
  request->groups = calloc(counts[TAG_GROUP] + 1, sizeof *request->groups);
  request->limits = calloc(counts[TAG_LIMIT] + 1, sizeof *request->limits);
  request->inputs = calloc(counts[TAG_INPUT] + 1, sizeof *request->inputs);
  request->text = malloc(length);  // a field's header is longer than the zero that ends its text
  if (!request->argv || !request->env || !request->groups || !request->limits || !request->inputs || !request->text) goto no_memory;

  struct cursor cursor = {.text = request->text};
  for (const uint8_t *at = payload; at < end;) take(request, next_field(&at, end), &cursor);
  hidden_restore(request->env);
  *why = check_values(request);
  if (*why == NULL) return request;
  request_free(request);
  return NULL;

no_memory:
  *why = "out of memory";
  request_free(request);
  return NULL;
}

void request_free(struct request *request) {
  if (request == NULL) return;
  free(request->argv);
  free(request->env);
  free(request->groups);
  free(request->limits);
  free(request->inputs);
  free(request->text);
  free(request);
}
