#include "bytes.h"

#include <stdlib.h>
#include <string.h>

static bool make_room(struct bytes *bytes, size_t length) {
  if (bytes->capacity - bytes->end >= length) return true;
  size_t used = bytes_length(bytes);
  if (bytes->start >= used && bytes->capacity - used >= length) {
    memcpy(bytes->data, bytes_front(bytes), used);
  } else {
    size_t capacity = bytes->capacity < 256 ? 256 : bytes->capacity * 2;
    while (capacity < used + length) capacity *= 2;
    uint8_t *data = malloc(capacity);
    if (data == NULL) return false;
    if (used > 0) memcpy(data, bytes_front(bytes), used);
    free(bytes->data);
    bytes->data = data;
    bytes->capacity = capacity;
  }
  bytes->start = 0;
  bytes->end = used;
  return true;
}

bool bytes_append(struct bytes *bytes, const void *data, size_t length) {
  if (length == 0) return true;
  if (!make_room(bytes, length)) return false;
  memcpy(bytes->data + bytes->end, data, length);
  bytes->end += length;
  return true;
}

void bytes_consume(struct bytes *bytes, size_t length) {
  if (length < bytes_length(bytes)) {
    bytes->start += length;
  } else {
    bytes_free(bytes);
  }
}

void bytes_free(struct bytes *bytes) {
  free(bytes->data);
  *bytes = (struct bytes){0};
}

uint16_t get_u16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

uint32_t get_u32(const uint8_t *at) { return (uint32_t)get_u16(at) << 16 | get_u16(at + 2); }

uint64_t get_u64(const uint8_t *at) { return (uint64_t)get_u32(at) << 32 | get_u32(at + 4); }

void put_u32(uint8_t *at, uint32_t value) {
  for (int i = 3; i >= 0; i--, value >>= 8) at[i] = (uint8_t)value;
}

void put_u64(uint8_t *at, uint64_t value) {
  put_u32(at, (uint32_t)(value >> 32));
  put_u32(at + 4, (uint32_t)value);
}
