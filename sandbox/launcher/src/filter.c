#include "filter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

enum { DAMAGED = 1, BROKEN = 2, LEVEL = 3, BUFFER = 128 << 10 };

static char input[BUFFER];
static char output[BUFFER];

static int broken(const char *action) {
  fprintf(stderr, "cannot %s: %s\n", action, strerror(errno));
  return BROKEN;
}

static int damaged(const char *reason) {
  fprintf(stderr, "%s\n", reason);
  return DAMAGED;
}

// 0 at the end of the input, -1 on failure.
static ssize_t read_input(void) {
  ssize_t length;
  do {
    length = read(STDIN_FILENO, input, sizeof input);
  } while (length < 0 && errno == EINTR);
  return length;
}

static bool write_output(size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t written = write(STDOUT_FILENO, output + done, length - done);
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) done += (size_t)written;
  }
  return true;
}

static int compress_with(ZSTD_CCtx *context) {
  for (;;) {
    ssize_t length = read_input();
    if (length < 0) return broken("read");
    ZSTD_EndDirective mode = length == 0 ? ZSTD_e_end : ZSTD_e_continue;
    ZSTD_inBuffer in = {.src = input, .size = (size_t)length};
    size_t left;
    do {
      ZSTD_outBuffer out = {.dst = output, .size = sizeof output};
      left = ZSTD_compressStream2(context, &out, &in, mode);
      if (ZSTD_isError(left)) return damaged(ZSTD_getErrorName(left));
      if (!write_output(out.pos)) return broken("write");
    } while (mode == ZSTD_e_end ? left > 0 : in.pos < in.size);
    if (mode == ZSTD_e_end) return 0;
  }
}

static int decompress_with(ZSTD_DCtx *context) {
  size_t hint = 1;
  for (;;) {
    ssize_t length = read_input();
    if (length < 0) return broken("read");
    if (length == 0) return hint == 0 ? 0 : damaged("the zstd stream ends too early");
    ZSTD_inBuffer in = {.src = input, .size = (size_t)length};
    bool full;
    do {
      ZSTD_outBuffer out = {.dst = output, .size = sizeof output};
      hint = ZSTD_decompressStream(context, &out, &in);
      if (ZSTD_isError(hint)) return damaged(ZSTD_getErrorName(hint));
      if (!write_output(out.pos)) return broken("write");
      full = out.pos == out.size;
    } while (in.pos < in.size || (full && hint > 0));
  }
}

int filter_compress(void) {
  ZSTD_CCtx *context = ZSTD_createCCtx();
  if (context == NULL) return broken("begin");
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  return compress_with(context);
}

int filter_decompress(void) {
  ZSTD_DCtx *context = ZSTD_createDCtx();
  return context == NULL ? broken("begin") : decompress_with(context);
}
