package io.opensandbox.execd.command;

import java.util.Map;

/// Replaces variable references and `~` in the name of a working folder.
@FunctionalInterface
public interface FolderExpansion {
  /// The expanded name.
  ///
  /// @throws io.opensandbox.protocol.execd.ExecdException when a referenced variable is not defined
  String expand(String folder, Map<String, String> environment);
}
