// `execd zstd` and `execd unzstd`: standard input to standard output, compressed or decompressed. For archives, because an image
// may have no zstd, and Java has none.
#ifndef FILTER_H
#define FILTER_H

// Return an exit status: 0, 1 when the input is no zstd or ends too early, 2 when reading or writing fails.
int filter_compress(void);
int filter_decompress(void);

#endif
