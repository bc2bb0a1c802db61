package io.opensandbox.execd.duration;

import java.time.Duration;

/// Parses Go's `time.ParseDuration`: an optional sign, then numbers with a unit each (`ns`, `us`,
/// `µs`, `ms`, `s`, `m`, `h`), or a bare `0`.
public final class GoDuration {
  private static final int FRACTION_DIGITS = 15;

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
    long nanos = 0;
    int at = 0;
    while (at < rest.length()) {
      int unit = skip(rest, at, true);
      int next = skip(rest, unit, false);
      try {
        nanos = Math.addExact(nanos, nanos(rest.substring(at, unit), unit(rest, unit, next, text)));
      } catch (ArithmeticException | NumberFormatException e) {
        throw new IllegalArgumentException(invalid(text).getMessage(), e);
      }
      at = next;
    }
    return Duration.ofNanos(negative ? -nanos : nanos);
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

  /// The nanoseconds of a number, the fraction computed as Go does. The first use of `BigDecimal`
  /// would cost each start of the daemon 10 ms.
  private static long nanos(String number, long unit) {
    int point = number.indexOf('.');
    String whole = point < 0 ? number : number.substring(0, point);
    String fraction = point < 0 ? "" : number.substring(point + 1);
    if ((whole.isEmpty() && fraction.isEmpty()) || fraction.indexOf('.') >= 0) {
      throw new NumberFormatException(number);
    }
    long nanos = whole.isEmpty() ? 0 : Math.multiplyExact(Long.parseLong(whole), unit);
    double scale = 1;
    long parts = 0;
    for (int i = 0; i < Math.min(fraction.length(), FRACTION_DIGITS); i++) {
      scale *= 10;
      parts = parts * 10 + fraction.charAt(i) - '0';
    }
    return Math.addExact(nanos, (long) (parts * (unit / scale)));
  }

  private static long unit(String rest, int from, int to, String text) {
    return switch (rest.substring(from, to)) {
      case "ns" -> 1;
      case "us", "\u00b5s", "\u03bcs" -> 1_000;
      case "ms" -> 1_000_000;
      case "s" -> 1_000_000_000;
      case "m" -> 60_000_000_000L;
      case "h" -> 3_600_000_000_000L;
      default -> throw invalid(text);
    };
  }

  private static IllegalArgumentException invalid(String text) {
    return new IllegalArgumentException(
        "\"" + text + "\" is no duration; write for example 500ms, 3s or 1m30s");
  }
}
