package io.opensandbox.execd.path;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Supplier;

/// Expands `$NAME`, `${NAME}` and a leading `~` in paths of requests.
///
/// All named variables must be defined. `$` before a digit or one of `$*#@!?-` disappears with that
/// character; before anything else it stays. There is no escape, but a text with a `$` that names
/// an existing file as it stands means that file.
public final class PathExpansion implements PathView {
  private static final String SPECIAL = "$*#@!?-";
  private static final char REPLACEMENT = '\ufffd';

  private final Supplier<Map<String, String>> environment;

  /// Expands with these variables; `HOME` is what `~` stands for.
  ///
  /// @param environment asked for each path that refers to a variable
  public PathExpansion(Supplier<Map<String, String>> environment) {
    this.environment = environment;
  }

  /// The absolute, cleaned path that a request means.
  ///
  /// @throws ExecdException `RUNTIME_ERROR` naming all undefined variables; `INVALID_REQUEST_BODY`
  ///   for an empty text and for one that no file can have (NUL)
  @Override
  public Path expand(String text) {
    if (text.isEmpty()) {
      throw new ExecdException(ErrorCode.INVALID_REQUEST_BODY, "the path must not be empty");
    }
    if (text.indexOf('$') >= 0) {
      Path literal = existing(toPath(text));
      if (Files.exists(literal, LinkOption.NOFOLLOW_LINKS)) {
        return literal;
      }
    }
    return existing(toPath(refers(text) ? expandText(text, environment.get()) : text));
  }

  private static boolean refers(String text) {
    return text.indexOf('$') >= 0 || text.charAt(0) == '~';
  }

  /// File names are bytes, texts are not: what is no UTF-8 is U+FFFD in the answers of this daemon,
  /// and thus in paths that clients take from them. Such a name means the file that is shown by it,
  /// if there is exactly one.
  private static Path existing(Path path) {
    if (path.toString().indexOf(REPLACEMENT) < 0) {
      return path;
    }
    Path found = Path.of("/");
    for (Path name : path) {
      Path plain = found.resolve(name);
      found =
          name.toString().indexOf(REPLACEMENT) < 0 || Files.exists(plain, LinkOption.NOFOLLOW_LINKS)
              ? plain
              : shownAs(name, found).orElse(plain);
    }
    return found;
  }

  private static Optional<Path> shownAs(Path name, Path directory) {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        if (String.valueOf(entry.getFileName()).equals(name.toString())) {
          found.add(entry);
        }
      }
    } catch (IOException | DirectoryIteratorException _) {
      return Optional.empty(); // whoever uses the path learns why
    }
    return found.size() == 1 ? Optional.of(found.getFirst()) : Optional.empty();
  }

  /// The path itself.
  @Override
  public String display(Path path) {
    return path.toString();
  }

  /// The expanded text, not made absolute; empty stays empty.
  ///
  /// @param variables what `$NAME` and `HOME` are looked up in
  /// @throws ExecdException `RUNTIME_ERROR` naming all undefined variables
  public static String expandText(String text, Map<String, String> variables) {
    String substituted = text.indexOf('$') < 0 ? text : substitute(text, variables);
    boolean home =
        substituted.equals("~") || substituted.startsWith("~/") || substituted.startsWith("~\\");
    return home ? homeOf(variables) + substituted.substring(1).replace('\\', '/') : substituted;
  }

  private static String homeOf(Map<String, String> variables) {
    String home = variables.getOrDefault("HOME", "");
    if (home.isEmpty()) {
      throw new ExecdException(
          ErrorCode.RUNTIME_ERROR, "cannot resolve \"~\": HOME is not defined");
    }
    return home;
  }

  private static String substitute(String text, Map<String, String> variables) {
    StringBuilder out = new StringBuilder(text.length() + 32);
    TreeSet<String> undefined = new TreeSet<>();
    int at = 0;
    while (at < text.length()) {
      char c = text.charAt(at);
      int length = c == '$' ? referenceLength(text, at) : 0;
      if (length == 0) {
        out.append(c);
        at++;
        continue;
      }
      String name = nameIn(text.substring(at + 1, at + length));
      if (!name.isEmpty()) {
        String value = variables.get(name);
        if (value == null) {
          undefined.add(name);
        } else {
          out.append(value);
        }
      }
      at += length;
    }
    if (!undefined.isEmpty()) {
      throw new ExecdException(
          ErrorCode.RUNTIME_ERROR,
          "path references undefined environment variables: " + String.join(",", undefined));
    }
    return out.toString();
  }

  /// The length of the reference that begins with the `$` at `at`, 0 if there is none.
  private static int referenceLength(String text, int at) {
    if (at + 1 == text.length()) {
      return 0;
    }
    char next = text.charAt(at + 1);
    if (isDigit(next) || SPECIAL.indexOf(next) >= 0) {
      return 2;
    }
    boolean braced = next == '{';
    int start = at + (braced ? 2 : 1);
    int end = start;
    while (end < text.length() && isNamePart(text.charAt(end), end == start)) {
      end++;
    }
    if (end == start || (braced && (end == text.length() || text.charAt(end) != '}'))) {
      return 0;
    }
    return end - at + (braced ? 1 : 0);
  }

  /// The variable in what follows a `$`; empty for the special characters.
  private static String nameIn(String reference) {
    if (reference.startsWith("{")) {
      return reference.substring(1, reference.length() - 1);
    }
    return isNamePart(reference.charAt(0), true) ? reference : "";
  }

  private static boolean isNamePart(char c, boolean first) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (isDigit(c) && !first);
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static Path toPath(String text) {
    try {
      return Path.of(text).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY, "the path cannot name a file: " + e.getReason(), e);
    }
  }
}
