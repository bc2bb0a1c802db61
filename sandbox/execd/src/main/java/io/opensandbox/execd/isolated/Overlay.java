package io.opensandbox.execd.isolated;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// A workspace of which a session has a view of its own: what it changes there is nobody else's
/// until it is committed.
sealed interface Overlay permits WorkspaceCopy, WorkspaceLayer {
  /// One difference between the view and the workspace; its path is relative to both.
  sealed interface Difference {
    /// The path that differs.
    Path path();

    /// There is something new or different.
    ///
    /// @param replaces whether it is a directory that shows nothing of the one that was there
    record Changed(Path path, boolean replaces) implements Difference {}

    /// What was there is gone.
    record Removed(Path path) implements Difference {}
  }

  /// Where files of the view can be read and written. Only as long as the session's namespace lives
  /// when it is a mount.
  Path path();

  /// Where the content of what has changed is.
  Path changes();

  /// What the session changed, parents before what they hold.
  List<Difference> differences() throws IOException;

  /// Brings all differences to the workspace. Afterwards there are none.
  void commit() throws IOException;

  /// Whether the changes and some bytes more exceed what they may take.
  boolean exceeds(long moreBytes) throws IOException;
}
