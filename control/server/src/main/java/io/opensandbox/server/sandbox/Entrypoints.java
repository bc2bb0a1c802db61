package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.util.ArrayList;
import java.util.List;

/// Splits a command that a client wrote as one string, after the shell's quoting rules.
final class Entrypoints {
  /// What a sandbox restored from a snapshot runs when nothing else was asked for.
  static final List<String> KEEP_RUNNING = List.of("tail", "-f", "/dev/null");

  private Entrypoints() {}

  /// A single element that contains a space is split into words; any other list is left alone.
  /// Unbalanced quotes throw `INVALID_ENTRYPOINT`.
  static List<String> split(List<String> entrypoint) {
    if (entrypoint.size() != 1 || entrypoint.getFirst().indexOf(' ') < 0) {
      return entrypoint;
    }
    List<String> words = words(entrypoint.getFirst());
    if (words.isEmpty()) {
      throw new SandboxException(
          ErrorCode.INVALID_ENTRYPOINT, "\"entrypoint\" must name a command");
    }
    return words;
  }

  private static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    var word = new StringBuilder();
    boolean inWord = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case ' ', '\t', '\n', '\r' -> {
          if (inWord) {
            words.add(word.toString());
            word.setLength(0);
            inWord = false;
          }
        }
        case '\'' -> {
          int end = text.indexOf('\'', i + 1);
          if (end < 0) {
            throw unbalanced();
          }
          word.append(text, i + 1, end);
          inWord = true;
          i = end;
        }
        case '"' -> {
          i = doubleQuoted(text, i + 1, word);
          inWord = true;
        }
        case '\\' -> {
          if (i + 1 == text.length()) {
            throw unbalanced();
          }
          i++;
          word.append(text.charAt(i));
          inWord = true;
        }
        default -> {
          word.append(c);
          inWord = true;
        }
      }
    }
    if (inWord) {
      words.add(word.toString());
    }
    return words;
  }

  // Returns the position of the closing quote.
  private static int doubleQuoted(String text, int start, StringBuilder word) {
    for (int i = start; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"') {
        return i;
      }
      if (c == '\\' && i + 1 < text.length() && "\"\\$`".indexOf(text.charAt(i + 1)) >= 0) {
        i++;
        word.append(text.charAt(i));
      } else {
        word.append(c);
      }
    }
    throw unbalanced();
  }

  private static SandboxException unbalanced() {
    return new SandboxException(
        ErrorCode.INVALID_ENTRYPOINT,
        "\"entrypoint\" has an unbalanced quote or a trailing backslash");
  }
}
