package io.opensandbox.execd.http;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// Parameters of header fields such as `form-data; name="file"; filename*=UTF-8''x`.
final class HeaderParameters {
  private HeaderParameters() {}

  /// A parameter, quoted or not. Its bytes are read as UTF-8.
  static Optional<String> find(String field, String name) {
    int at = field.indexOf(';');
    while (at >= 0 && at < field.length()) {
      int start = skipSpace(field, at + 1);
      int equals = start;
      while (equals < field.length() && HttpTokens.isTokenChar(field.charAt(equals))) {
        equals++;
      }
      String found = field.substring(start, equals);
      equals = skipSpace(field, equals);
      if (equals >= field.length() || field.charAt(equals) != '=') {
        at = field.indexOf(';', equals);
        continue;
      }
      int from = skipSpace(field, equals + 1);
      StringBuilder value = new StringBuilder();
      at = readValue(field, from, value);
      if (found.equalsIgnoreCase(name)) {
        return Optional.of(utf8(value.toString()));
      }
    }
    return Optional.empty();
  }

  /// A parameter in the extended notation of RFC 5987, `name*=charset'language'text`.
  static Optional<String> findExtended(String field, String name) {
    return find(field, name + "*")
        .map(text -> {
          int quote = text.indexOf('\'', text.indexOf('\'') + 1);
          return quote < 0 ? text : PercentCoding.decode(text.substring(quote + 1), false);
        });
  }

  /// Reads a token or quoted string; gives the place of the next `;`, or the end.
  private static int readValue(String field, int from, StringBuilder value) {
    int at = from;
    if (at < field.length() && field.charAt(at) == '"') {
      at++;
      while (at < field.length() && field.charAt(at) != '"') {
        if (field.charAt(at) == '\\'
            && at + 1 < field.length()
            && isQuotable(field.charAt(at + 1))) {
          at++;
        }
        value.append(field.charAt(at++));
      }
      int next = field.indexOf(';', at);
      return next < 0 ? field.length() : next;
    }
    while (at < field.length() && field.charAt(at) != ';') {
      value.append(field.charAt(at++));
    }
    while (!value.isEmpty() && value.charAt(value.length() - 1) == ' ') {
      value.setLength(value.length() - 1);
    }
    return at;
  }

  /// Some clients send Windows paths with single backslashes.
  private static boolean isQuotable(char c) {
    return c == '"' || c == '\\';
  }

  private static int skipSpace(String field, int from) {
    int at = from;
    while (at < field.length() && (field.charAt(at) == ' ' || field.charAt(at) == '\t')) {
      at++;
    }
    return at;
  }

  private static String utf8(String latin1) {
    return new String(latin1.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
  }
}
