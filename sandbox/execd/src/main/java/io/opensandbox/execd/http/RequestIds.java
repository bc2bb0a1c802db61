package io.opensandbox.execd.http;

import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;

/// Gives each request an id: the one it brings, if that can be sent back, else a new one.
final class RequestIds {
  private static final String HEADER = "X-Request-ID";
  private static final int MAX_LENGTH = 128;

  private final AtomicLong next;

  RequestIds(RandomGenerator random) {
    next = new AtomicLong(random.nextLong());
  }

  String of(Headers headers) {
    String given = headers.first(HEADER).orElse("");
    return isUsable(given) ? given : Long.toHexString(next.getAndAdd(0x9e3779b97f4a7c15L));
  }

  private static boolean isUsable(String id) {
    if (id.isEmpty() || id.length() > MAX_LENGTH) {
      return false;
    }
    for (int i = 0; i < id.length(); i++) {
      char c = id.charAt(i);
      if (c <= ' ' || c > '~') {
        return false;
      }
    }
    return true;
  }
}
