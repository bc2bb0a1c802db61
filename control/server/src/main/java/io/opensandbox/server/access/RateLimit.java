package io.opensandbox.server.access;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// A token bucket for each API key: as many requests at once as a minute allows, refilled evenly.
public final class RateLimit {
  private static final long SECOND = 1_000_000_000;
  private static final long MINUTE = 60 * SECOND;

  private final long perMinute;
  private final InstantSource clock;
  private final Map<String, Bucket> buckets = new ConcurrentHashMap<>();

  /// @param perMinute requests of one key; 0 means no limit
  public RateLimit(long perMinute, InstantSource clock) {
    this.perMinute = perMinute;
    this.clock = clock;
  }

  /// Takes one token of `key`: 0 when there was one, else the whole seconds until there is.
  long admit(String key) {
    if (perMinute == 0) {
      return 0;
    }
    Instant now = clock.instant();
    return buckets.computeIfAbsent(key, _ -> new Bucket(now)).take(now);
  }

  /// Counts in nanoseconds of waiting, so that nothing is lost to rounding.
  private final class Bucket {
    // Both guarded by this.
    private long credit = MINUTE;
    private Instant refilledAt;

    Bucket(Instant now) {
      this.refilledAt = now;
    }

    synchronized long take(Instant now) {
      Duration passed = Duration.between(refilledAt, now);
      boolean full = passed.compareTo(Duration.ofNanos(MINUTE)) >= 0;
      credit = full ? MINUTE : Math.min(MINUTE, credit + Math.max(0, passed.toNanos()));
      refilledAt = now;
      long price = MINUTE / perMinute;
      if (credit >= price) {
        credit -= price;
        return 0;
      }
      return Math.ceilDiv(price - credit, SECOND);
    }
  }
}
