package io.opensandbox.execd.metrics;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// Small text files of the kernel, below a root that tests replace. A file that is missing or
/// unreadable is an absent value.
final class KernelFiles {
  private final Path root;

  KernelFiles(Path root) {
    this.root = root;
  }

  Optional<String> text(String path) {
    try {
      return Optional.of(Files.readString(at(path), StandardCharsets.ISO_8859_1));
    } catch (IOException _) {
      return Optional.empty();
    }
  }

  List<String> lines(String path) {
    return text(path).map(text -> text.lines().toList()).orElse(List.of());
  }

  /// A file that holds one number; `max` and negative numbers stand for none.
  OptionalLong number(String path) {
    return text(path).map(text -> parse(text.strip())).orElse(OptionalLong.empty());
  }

  /// The number behind a key in a file of lines `key number`.
  OptionalLong keyed(String path, String key) {
    for (String line : lines(path)) {
      if (line.startsWith(key + " ") || line.startsWith(key + ":")) {
        String rest = line.substring(key.length() + 1).strip();
        int space = rest.indexOf(' ');
        return parse(space < 0 ? rest : rest.substring(0, space));
      }
    }
    return OptionalLong.empty();
  }

  boolean isDirectory(String path) {
    return Files.isDirectory(at(path));
  }

  static OptionalLong parse(String text) {
    try {
      long value = Long.parseLong(text);
      return value < 0 ? OptionalLong.empty() : OptionalLong.of(value);
    } catch (NumberFormatException _) {
      return OptionalLong.empty();
    }
  }

  private Path at(String path) {
    return root.resolve(path.substring(1));
  }
}
