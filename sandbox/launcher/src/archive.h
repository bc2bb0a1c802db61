// Unpacks a zstd-compressed ustar archive.
#ifndef ARCHIVE_H
#define ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Writes the archive's regular files, directories and symbolic links below `directory`, with their modes and times.
// False with errno set on the first failure; EBADMSG when the archive is damaged.
bool archive_extract(const uint8_t *data, size_t length, int directory);

#endif
