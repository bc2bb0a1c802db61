package io.opensandbox.server.diagnostics;

import java.util.List;

/// A part of something longer.
///
/// @param text lines, each ended
/// @param truncated whether there is more
/// @param warnings for people
record Excerpt(String text, boolean truncated, List<String> warnings) {
  Excerpt {
    warnings = List.copyOf(warnings);
  }

  /// The last `max` lines of `text`.
  static Excerpt lastLines(String text, int max) {
    int start = text.length();
    int lines = 0;
    while (start > 0) {
      int previous = text.lastIndexOf('\n', start - 2);
      if (lines == max) {
        return new Excerpt(text.substring(start), true, List.of());
      }
      lines++;
      start = previous + 1;
    }
    return new Excerpt(text, false, List.of());
  }
}
