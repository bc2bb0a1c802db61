package io.opensandbox.execd.isolated;

import java.nio.file.Path;
import java.util.List;

/// What the operator of a daemon allows isolated sessions.
///
/// @param roots directories for their files, of which the first that can be made is used
/// @param upperBytes that may be written to an overlay, at most 8 GiB
/// @param diffBytes of changes that `diff` sends, before compression
/// @param writableRoots directories below which `extra_writable` and `binds` are allowed
public record IsolationLimits(
    List<Path> roots, long upperBytes, long diffBytes, List<Path> writableRoots) {
  /// The highest `upperBytes`.
  public static final long MAX_UPPER_BYTES = IsolationRequest.Persistence.MAX_BYTES;

  /// The usual `diffBytes`.
  public static final long DEFAULT_DIFF_BYTES = 4L << 30;

  /// The usual `writableRoots`.
  public static final List<Path> DEFAULT_WRITABLE_ROOTS =
      List.of(Path.of("/workspace"), Path.of("/mnt"), Path.of("/media"), Path.of("/data"));

  /// Copies the lists.
  public IsolationLimits {
    roots = List.copyOf(roots);
    writableRoots = List.copyOf(writableRoots);
  }

  /// The usual limits.
  public static IsolationLimits of(Path root) {
    return new IsolationLimits(
        List.of(root), MAX_UPPER_BYTES, DEFAULT_DIFF_BYTES, DEFAULT_WRITABLE_ROOTS);
  }

  /// What an overlay that is kept may hold when its request does not say.
  long persistentBytes() {
    return Math.min(upperBytes, IsolationRequest.Persistence.DEFAULT_BYTES);
  }
}
