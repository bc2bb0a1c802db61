package io.opensandbox.server.http;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Times on the wire: RFC 3339 in UTC; six digits of fraction, or none when they are all zero.
public final class Timestamps {
  private static final Pattern DATE_TIME =
      Pattern.compile(
          "(\\d{4})-(\\d{2})-(\\d{2})(?:[Tt ](\\d{2}):(\\d{2})(?::(\\d{2})(?:[.,](\\d{1,9})\\d*)?)?"
              + "([Zz]|[+-]\\d{2}:?\\d{2})?)?");
  private static final Pattern NUMBER = Pattern.compile("-?\\d{1,15}(?:\\.\\d{1,9})?");
  private static final BigDecimal MILLISECONDS_ABOVE = BigDecimal.valueOf(20_000_000_000L);

  private Timestamps() {}

  /// `instant` as wire text, cut to microseconds.
  public static String format(Instant instant) {
    return formatWithoutZone(instant) + "Z";
  }

  /// `instant` as in labels and the store: like the wire, with `+00:00` instead of `Z`.
  public static String formatWithOffset(Instant instant) {
    return formatWithoutZone(instant) + "+00:00";
  }

  /// Like [#formatWithOffset], always with six digits of fraction, so that texts sort like times.
  public static String formatSortable(Instant instant) {
    String text = formatWithoutZone(instant);
    return (text.indexOf('.') < 0 ? text + ".000000" : text) + "+00:00";
  }

  private static String formatWithoutZone(Instant instant) {
    LocalDateTime time =
        LocalDateTime.ofInstant(instant.truncatedTo(ChronoUnit.MICROS), ZoneOffset.UTC);
    String seconds =
        "%04d-%02d-%02dT%02d:%02d:%02d"
            .formatted(
                time.getYear(),
                time.getMonthValue(),
                time.getDayOfMonth(),
                time.getHour(),
                time.getMinute(),
                time.getSecond());
    return time.getNano() == 0 ? seconds : seconds + ".%06d".formatted(time.getNano() / 1000);
  }

  /// The time that `text` means: RFC 3339 with any number of digits, no offset for UTC, a date for
  /// its midnight, or a Unix time in seconds (milliseconds beyond 20,000,000,000).
  ///
  /// @param field named in the error when it means none
  public static Instant parse(String field, String text) {
    try {
      if (NUMBER.matcher(text).matches()) {
        return ofUnixTime(new BigDecimal(text));
      }
      Matcher matcher = DATE_TIME.matcher(text);
      if (matcher.matches()) {
        return ofMatch(matcher);
      }
    } catch (DateTimeException | ArithmeticException _) { // said below
      throw unusable(field);
    }
    throw unusable(field);
  }

  /// The time that a number means: seconds, or milliseconds beyond 20,000,000,000.
  public static Instant ofUnixTime(BigDecimal number) {
    BigDecimal seconds =
        number.abs().compareTo(MILLISECONDS_ABOVE) > 0 ? number.movePointLeft(3) : number;
    long whole = seconds.setScale(0, java.math.RoundingMode.FLOOR).longValueExact();
    long nanos = seconds.subtract(BigDecimal.valueOf(whole)).movePointRight(9).longValue();
    return Instant.ofEpochSecond(whole, nanos).truncatedTo(ChronoUnit.MICROS);
  }

  private static Instant ofMatch(Matcher matcher) {
    LocalDate date =
        LocalDate.of(
            Integer.parseInt(matcher.group(1)),
            Integer.parseInt(matcher.group(2)),
            Integer.parseInt(matcher.group(3)));
    if (matcher.group(4) == null) {
      return date.atStartOfDay().toInstant(ZoneOffset.UTC);
    }
    int second = matcher.group(6) == null ? 0 : Integer.parseInt(matcher.group(6));
    LocalDateTime time =
        date.atTime(Integer.parseInt(matcher.group(4)), Integer.parseInt(matcher.group(5)), second);
    String fraction = matcher.group(7);
    if (fraction != null) {
      time = time.withNano(Integer.parseInt((fraction + "000000000").substring(0, 9)));
    }
    return OffsetDateTime.of(time, offset(matcher.group(8)))
        .toInstant()
        .truncatedTo(ChronoUnit.MICROS);
  }

  private static ZoneOffset offset(@org.jspecify.annotations.Nullable String text) {
    return text == null || text.equalsIgnoreCase("z") ? ZoneOffset.UTC : ZoneOffset.of(text);
  }

  private static SandboxException unusable(String field) {
    return new SandboxException(
        ErrorCode.INVALID_PARAMETER,
        "\"" + field + "\" must be a time after RFC 3339, such as 2030-01-01T00:00:00Z");
  }
}
