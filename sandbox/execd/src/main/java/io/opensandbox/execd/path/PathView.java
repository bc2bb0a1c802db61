package io.opensandbox.execd.path;

import java.nio.file.Path;

/// How the paths of requests and responses relate to paths of the file system.
public interface PathView {
  /// The absolute, cleaned path that a request means.
  ///
  /// @throws io.opensandbox.protocol.execd.ExecdException when the text means none, or one that
  ///   this view does not show
  Path expand(String text);

  /// The text by which clients know a path.
  String display(Path path);
}
