// A growable queue of bytes, and big-endian integers.
#ifndef BYTES_H
#define BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Bytes appended at the end and consumed from the front. All zero is an empty queue.
struct bytes {
  uint8_t *data;
  size_t start;
  size_t end;
  size_t capacity;
};

static inline size_t bytes_length(const struct bytes *bytes) { return bytes->end - bytes->start; }
static inline uint8_t *bytes_front(const struct bytes *bytes) { return bytes->data + bytes->start; }

// Appends a copy; false when there is no memory, and then nothing has changed.
bool bytes_append(struct bytes *bytes, const void *data, size_t length);
// Drops `length` bytes from the front, at most what is there. An emptied queue gives its memory back.
void bytes_consume(struct bytes *bytes, size_t length);
void bytes_free(struct bytes *bytes);

uint16_t get_u16(const uint8_t *at);
uint32_t get_u32(const uint8_t *at);
uint64_t get_u64(const uint8_t *at);
void put_u32(uint8_t *at, uint32_t value);
void put_u64(uint8_t *at, uint64_t value);

#endif
