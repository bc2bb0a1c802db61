package io.opensandbox.execd.duration;

import java.math.BigDecimal;
import java.time.Duration;

/// Parses Go's `time.ParseDuration`: an optional sign, then numbers with a unit each (`ns`, `us`,
/// `µs`, `ms`, `s`, `m`, `h`), or a bare `0`.
public final class GoDuration {
  private static final BigDecimal MAX_NANOS = BigDecimal.valueOf(Long.MAX_VALUE);

  private GoDuration() {}

  /// The duration, to the nanosecond.
  ///
  /// @throws IllegalArgumentException when the text is no duration; the message quotes it
  public static Duration parse(String text) {
    boolean negative = text.startsWith("-");
    String rest = negative || text.startsWith("+") ? text.substring(1) : text;
    if (rest.equals("0")) {
      return Duration.ZERO;
    }
    if (rest.isEmpty()) {
      throw invalid(text);
    }
    BigDecimal nanos = BigDecimal.ZERO;
    int at = 0;
    while (at < rest.length()) {
      int unit = skip(rest, at, true);
      int next = skip(rest, unit, false);
      nanos =
          nanos.add(number(rest.substring(at, unit), text).multiply(unit(rest, unit, next, text)));
      at = next;
    }
    if (nanos.compareTo(MAX_NANOS) > 0) {
      throw invalid(text);
    }
    long value = nanos.longValue();
    return Duration.ofNanos(negative ? -value : value);
  }

  private static int skip(String text, int from, boolean numeric) {
    int at = from;
    while (at < text.length() && isNumeric(text.charAt(at)) == numeric) {
      at++;
    }
    return at;
  }

  private static boolean isNumeric(char c) {
    return c == '.' || (c >= '0' && c <= '9');
  }

  private static BigDecimal number(String digits, String text) {
    if (digits.length() > 40 || digits.isEmpty() || digits.equals(".")) {
      throw invalid(text);
    }
    try {
      return new BigDecimal(digits);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(invalid(text).getMessage(), e);
    }
  }

  private static BigDecimal unit(String rest, int from, int to, String text) {
    long nanos =
        switch (rest.substring(from, to)) {
          case "ns" -> 1;
          case "us", "\u00b5s", "\u03bcs" -> 1_000;
          case "ms" -> 1_000_000;
          case "s" -> 1_000_000_000;
          case "m" -> 60_000_000_000L;
          case "h" -> 3_600_000_000_000L;
          default -> throw invalid(text);
        };
    return BigDecimal.valueOf(nanos);
  }

  private static IllegalArgumentException invalid(String text) {
    return new IllegalArgumentException(
        "\"" + text + "\" is no duration; write for example 500ms, 3s or 1m30s");
  }
}
