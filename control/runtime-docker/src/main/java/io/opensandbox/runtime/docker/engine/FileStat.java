package io.opensandbox.runtime.docker.engine;

/// What the engine knows of a path in a container's file system; links are not followed.
///
/// @param name last part of the path
/// @param sizeBytes size
/// @param mode Go's `os.FileMode` bits
public record FileStat(String name, long sizeBytes, long mode) {
  private static final long GO_DIRECTORY = 1L << 31;

  /// Whether it is a directory.
  public boolean isDirectory() {
    return (mode & GO_DIRECTORY) != 0;
  }
}
