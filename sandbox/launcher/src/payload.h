// The archive at the end of this executable: the Java runtime, its C library, the application and its cache.
//
//   launcher (ELF) | zstd(ustar) | trailer
//
// The trailer is TRAILER bytes: "OSBXEXEC", u64 offset and u64 length of the archive (big-endian), 16 hexadecimal digits
// that name its content, zeros. The ustar has regular files, directories and symbolic links with names below 100 bytes.
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

enum { HASH_LENGTH = 16, TRAILER = 64 };

struct payload {
  int executable;  // open on this executable
  uint64_t offset;
  uint64_t length;
  char hash[HASH_LENGTH + 1];
};

// Finds the payload of this executable. False when it has none, which it says on stderr.
bool payload_open(struct payload *payload);
void payload_close(struct payload *payload);

// Writes the archive's files below an existing empty directory. False with errno set when something failed.
bool payload_extract(const struct payload *payload, int directory);

#endif
