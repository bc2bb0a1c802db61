package io.opensandbox.server.access;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// A token bucket for each API key: as many requests at once as a minute allows, refilled evenly.
public final class RateLimit {
  private static final double SECONDS_PER_MINUTE = 60;

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
    return buckets.computeIfAbsent(key, _ -> new Bucket(perMinute, now)).take(now);
  }

  private final class Bucket {
    // Both guarded by this.
    private double tokens;
    private Instant refilledAt;

    Bucket(double tokens, Instant refilledAt) {
      this.tokens = tokens;
      this.refilledAt = refilledAt;
    }

    synchronized long take(Instant now) {
      double seconds = Math.max(0, Duration.between(refilledAt, now).toNanos() / 1e9);
      tokens = Math.min((double) perMinute, tokens + seconds * perMinute / SECONDS_PER_MINUTE);
      refilledAt = now;
      if (tokens >= 1) {
        tokens -= 1;
        return 0;
      }
      return Math.max(1, (long) Math.ceil((1 - tokens) * SECONDS_PER_MINUTE / perMinute));
    }
  }
}
