#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum { BLOCK = 512, WINDOW = 256 << 10, NAME_LENGTH = 100 };

// The decompressed stream: `buffer[start..end)` has been decompressed and not been used.
struct stream {
  ZSTD_DStream *zstd;
  ZSTD_inBuffer in;
  uint8_t *buffer;
  size_t start, end;
};

struct entry {
  char name[NAME_LENGTH + 1];
  char target[NAME_LENGTH + 1];
  char type;
  mode_t mode;
  time_t time;
  uint64_t size;
};

static bool damaged(void) {
  errno = EBADMSG;
  return false;
}

// Makes at least one byte available.
static bool fill(struct stream *stream) {
  while (stream->start == stream->end) {
    ZSTD_outBuffer out = {.dst = stream->buffer, .size = WINDOW};
    size_t before = stream->in.pos;
    size_t hint = ZSTD_decompressStream(stream->zstd, &out, &stream->in);
    if (ZSTD_isError(hint) || (out.pos == 0 && stream->in.pos == before)) return damaged();
    stream->start = 0;
    stream->end = out.pos;
  }
  return true;
}

// Copies `length` bytes of the stream to `to`; drops them when `to` is NULL.
static bool take(struct stream *stream, uint8_t *to, size_t length) {
  while (length > 0) {
    if (!fill(stream)) return false;
    size_t count = stream->end - stream->start;
    if (count > length) count = length;
    if (to != NULL) {
      memcpy(to, stream->buffer + stream->start, count);
      to += count;
    }
    stream->start += count;
    length -= count;
  }
  return true;
}

static bool write_data(struct stream *stream, int fd, uint64_t length) {
  while (length > 0) {
    if (!fill(stream)) return false;
    size_t count = stream->end - stream->start;
    if (count > length) count = (size_t)length;
    ssize_t written = write(fd, stream->buffer + stream->start, count);
    if (written < 0) return false;
    stream->start += (size_t)written;
    length -= (uint64_t)written;
  }
  return true;
}

static uint64_t octal(const uint8_t *field, size_t length) {
  uint64_t value = 0;
  for (size_t i = 0; i < length && field[i] >= '0' && field[i] <= '7'; i++) value = value * 8 + (uint64_t)(field[i] - '0');
  return value;
}

// A name that stays below the directory.
static bool is_safe(const char *name) { return name[0] != '/' && strstr(name, "..") == NULL; }

// False at the end of the archive and on failure; `*failed` tells which.
static bool next_entry(struct stream *stream, struct entry *entry, bool *failed) {
  uint8_t header[BLOCK];
  *failed = !take(stream, header, BLOCK);
  if (*failed || header[0] == 0) return false;
  memcpy(entry->name, header, NAME_LENGTH);
  entry->name[NAME_LENGTH] = 0;
  memcpy(entry->target, header + 157, NAME_LENGTH);
  entry->target[NAME_LENGTH] = 0;
  entry->mode = (mode_t)octal(header + 100, 8) & 0777;
  entry->size = octal(header + 124, 12);
  entry->time = (time_t)octal(header + 136, 12);
  entry->type = (char)header[156];
  *failed = !is_safe(entry->name) && !damaged();
  return !*failed;
}

static bool extract_file(struct stream *stream, const struct entry *entry, int directory) {
  int fd = openat(directory, entry->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, entry->mode);
  if (fd < 0) return false;
  struct timespec times[2] = {{.tv_sec = entry->time}, {.tv_sec = entry->time}};
  // The mode once more, because the umask of whoever started us may have taken bits away. The time is what the JVM
  // compares with its cache.
  bool done = write_data(stream, fd, entry->size) && fchmod(fd, entry->mode) == 0 && futimens(fd, times) == 0;
  int error = errno;
  close(fd);
  errno = error;
  return done && take(stream, NULL, (size_t)(-entry->size % BLOCK));
}

static bool extract_directory(const struct entry *entry, int directory) {
  if (mkdirat(directory, entry->name, entry->mode) < 0 && errno != EEXIST) return false;
  return fchmodat(directory, entry->name, entry->mode, 0) == 0;
}

static bool extract_entry(struct stream *stream, const struct entry *entry, int directory) {
  switch (entry->type) {
    case '0': return extract_file(stream, entry, directory);
    case '5': return extract_directory(entry, directory);
    case '2': return symlinkat(entry->target, directory, entry->name) == 0;
    default: return damaged();
  }
}

bool archive_extract(const uint8_t *data, size_t length, int directory) {
  struct stream stream = {.in = {.src = data, .size = length}};
  struct entry entry;
  bool failed = true;
  stream.zstd = ZSTD_createDStream();
  stream.buffer = malloc(WINDOW);
  errno = ENOMEM;
  if (stream.zstd != NULL && stream.buffer != NULL && !ZSTD_isError(ZSTD_initDStream(stream.zstd))) {
    while (next_entry(&stream, &entry, &failed)) {
      if (!extract_entry(&stream, &entry, directory)) {
        failed = true;
        break;
      }
    }
  }
  int error = errno;
  free(stream.buffer);
  ZSTD_freeDStream(stream.zstd);
  errno = error;
  return !failed;
}
