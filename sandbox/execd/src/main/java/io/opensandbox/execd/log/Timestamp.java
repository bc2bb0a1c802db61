package io.opensandbox.execd.log;

/// ISO 8601 in UTC with milliseconds, by arithmetic: the formatter of the JDK costs a start several
/// milliseconds.
final class Timestamp {
  private static final long DAY_MILLIS = 86_400_000;

  private Timestamp() {}

  /// For example `2026-06-15T08:30:00.250+0000`.
  static String format(long epochMillis) {
    long day = Math.floorDiv(epochMillis, DAY_MILLIS);
    int millis = (int) Math.floorMod(epochMillis, DAY_MILLIS);
    // Civil date from days, years beginning in March (H. Hinnant, chrono-compatible date
    // algorithms).
    long shifted = day + 719_468;
    long era = Math.floorDiv(shifted, 146_097);
    int dayOfEra = (int) (shifted - era * 146_097);
    int yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
    int dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
    int month = (5 * dayOfYear + 2) / 153;
    int dayOfMonth = dayOfYear - (153 * month + 2) / 5 + 1;
    int civilMonth = month < 10 ? month + 3 : month - 9;
    long year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0);
    var out = new StringBuilder(28).append(year).append('-');
    two(out, civilMonth).append('-');
    two(out, dayOfMonth).append('T');
    two(out, millis / 3_600_000).append(':');
    two(out, millis / 60_000 % 60).append(':');
    two(out, millis / 1000 % 60).append('.');
    return two(out.append((char) ('0' + millis % 1000 / 100)), millis % 100)
        .append("+0000")
        .toString();
  }

  private static StringBuilder two(StringBuilder out, int number) {
    return out.append((char) ('0' + number / 10)).append((char) ('0' + number % 10));
  }
}
