package io.opensandbox.execd.http;

import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.OptionalLong;

/// The date form of HTTP headers, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7; the two
/// obsolete forms are not read).
public final class HttpDate {
  private static final String DAYS = "MonTueWedThuFriSatSun";
  private static final String MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
  private static final int LENGTH = 29;

  private HttpDate() {}

  /// The text for a Unix time in seconds.
  public static String format(long epochSecond) {
    LocalDateTime time = LocalDateTime.ofEpochSecond(epochSecond, 0, ZoneOffset.UTC);
    int day = (time.getDayOfWeek().getValue() - 1) * 3;
    int month = (time.getMonthValue() - 1) * 3;
    StringBuilder out = new StringBuilder(LENGTH);
    out.append(DAYS, day, day + 3).append(", ");
    digits(out, time.getDayOfMonth(), 2).append(' ');
    out.append(MONTHS, month, month + 3).append(' ');
    digits(out, time.getYear(), 4).append(' ');
    digits(out, time.getHour(), 2).append(':');
    digits(out, time.getMinute(), 2).append(':');
    return digits(out, time.getSecond(), 2).append(" GMT").toString();
  }

  /// The Unix time in seconds that a text means; empty if it is no such date.
  public static OptionalLong parse(String text) {
    int month = text.length() == LENGTH ? MONTHS.indexOf(text.substring(8, 11)) : -1;
    if (month < 0 || month % 3 != 0 || !text.endsWith(" GMT")) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(
          LocalDateTime.of(
                  Integer.parseInt(text, 12, 16, 10),
                  month / 3 + 1,
                  Integer.parseInt(text, 5, 7, 10),
                  Integer.parseInt(text, 17, 19, 10),
                  Integer.parseInt(text, 20, 22, 10),
                  Integer.parseInt(text, 23, 25, 10))
              .toEpochSecond(ZoneOffset.UTC));
    } catch (NumberFormatException | java.time.DateTimeException _) {
      return OptionalLong.empty();
    }
  }

  private static StringBuilder digits(StringBuilder out, int number, int width) {
    String text = Integer.toString(number);
    for (int i = text.length(); i < width; i++) {
      out.append('0');
    }
    return out.append(text);
  }
}
