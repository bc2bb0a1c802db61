#include "payload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "bytes.h"
#include "self.h"

bool payload_open(struct payload *payload) {
  uint8_t trailer[TRAILER];
  payload->executable = open(self_path(), O_RDONLY | O_CLOEXEC);
  off_t size = payload->executable < 0 ? -1 : lseek(payload->executable, 0, SEEK_END);
  if (size < TRAILER || pread(payload->executable, trailer, TRAILER, size - TRAILER) != TRAILER) {
    fprintf(stderr, "execd: cannot read \"%s\": %s\n", self_path(), strerror(errno));
    payload_close(payload);
    return false;
  }
  payload->offset = get_u64(trailer + 8);
  payload->length = get_u64(trailer + 16);
  memcpy(payload->hash, trailer + 24, HASH_LENGTH);
  payload->hash[HASH_LENGTH] = 0;
  if (memcmp(trailer, "OSBXEXEC", 8) == 0 && payload->offset + payload->length == (uint64_t)size - TRAILER) return true;
  fprintf(stderr, "execd: \"%s\" has no payload; it was not made by scripts/package-execd\n", self_path());
  payload_close(payload);
  return false;
}

void payload_close(struct payload *payload) {
  if (payload->executable >= 0) close(payload->executable);
  payload->executable = -1;
}

bool payload_extract(const struct payload *payload, int directory) {
  uint64_t page_start = payload->offset & ~(uint64_t)(sysconf(_SC_PAGESIZE) - 1);
  size_t mapped = (size_t)(payload->offset + payload->length - page_start);
  uint8_t *map = mmap(NULL, mapped, PROT_READ, MAP_PRIVATE, payload->executable, (off_t)page_start);
  if (map == MAP_FAILED) return false;
  bool done = archive_extract(map + (payload->offset - page_start), (size_t)payload->length, directory);
  int error = errno;
  munmap(map, mapped);
  errno = error;
  return done;
}
