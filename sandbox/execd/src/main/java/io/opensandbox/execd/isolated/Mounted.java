package io.opensandbox.execd.isolated;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// One directory of a session.
///
/// @param path how clients and runs name it
/// @param overlay the session's own view of it; null when it is shared
record Mounted(Path path, IsolationRequest.Mode mode, @Nullable Overlay overlay) {
  /// Where its files are.
  Path actual() {
    return overlay == null ? path : overlay.path();
  }

  boolean isReadOnly() {
    return mode == IsolationRequest.Mode.RO;
  }
}
