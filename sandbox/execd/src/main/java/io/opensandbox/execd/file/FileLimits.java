package io.opensandbox.execd.file;

/// Bounds of the file routes.
///
/// @param bodyBytes of a JSON body; beyond that 413
/// @param uploadParts of one form; beyond that 400
public record FileLimits(long bodyBytes, int uploadParts) {
  /// The limits that execd runs with: 25,000 files in one upload.
  public static final FileLimits DEFAULT = new FileLimits(8L << 20, 50_000);

  /// Checks the ranges.
  public FileLimits {
    if (bodyBytes < 1 || uploadParts < 2) {
      throw new IllegalArgumentException("file limits out of range");
    }
  }
}
