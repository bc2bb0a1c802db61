package io.opensandbox.execd.isolated;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// One directory of a session.
///
/// @param path how clients and runs name it
/// @param copy where its files are, when they are not there
record Mounted(Path path, IsolationRequest.Mode mode, @Nullable WorkspaceCopy copy) {
  /// Where its files are.
  Path actual() {
    return copy == null ? path : copy.path();
  }

  boolean isReadOnly() {
    return mode == IsolationRequest.Mode.RO;
  }
}
