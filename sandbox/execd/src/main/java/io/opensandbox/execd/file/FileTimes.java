package io.opensandbox.execd.file;

import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneRules;
import java.util.function.Supplier;

/// Writes times as RFC 3339 with the shortest exact fraction, in one zone (`Z` for UTC).
public final class FileTimes {
  private final Supplier<ZoneRules> rules;

  /// Times in this zone.
  public FileTimes(ZoneId zone) {
    rules = zone::getRules;
  }

  private FileTimes(Supplier<ZoneRules> rules) {
    this.rules = rules;
  }

  /// Times in the zone that this process has (`TZ`, else `/etc/localtime`). It is looked up with
  /// the first time that is written, for that takes the JDK some 10 ms.
  public static FileTimes ofSystem() {
    return new FileTimes(() -> SystemZone.RULES);
  }

  /// For example `2026-06-15T10:00:00.123456789+02:00`.
  public String format(FileTime time) {
    return format(time.toInstant());
  }

  /// For example `2026-06-15T10:00:00Z`.
  public String format(Instant instant) {
    ZoneOffset offset = rules.get().getOffset(instant);
    long seconds = instant.getEpochSecond();
    int nanos = instant.getNano();
    LocalDateTime local = LocalDateTime.ofEpochSecond(seconds, 0, offset);
    StringBuilder out = new StringBuilder(35);
    digits(out, local.getYear(), 4).append('-');
    digits(out, local.getMonthValue(), 2).append('-');
    digits(out, local.getDayOfMonth(), 2).append('T');
    digits(out, local.getHour(), 2).append(':');
    digits(out, local.getMinute(), 2).append(':');
    digits(out, local.getSecond(), 2);
    if (nanos > 0) {
      digits(out.append('.'), nanos, 9);
      while (out.charAt(out.length() - 1) == '0') {
        out.setLength(out.length() - 1);
      }
    }
    return out.append(offset.getId()).toString();
  }

  private static StringBuilder digits(StringBuilder out, int number, int width) {
    String text = Integer.toString(number);
    for (int i = text.length(); i < width; i++) {
      out.append('0');
    }
    return out.append(text);
  }

  private static final class SystemZone {
    static final ZoneRules RULES = ZoneId.systemDefault().getRules();
  }
}
