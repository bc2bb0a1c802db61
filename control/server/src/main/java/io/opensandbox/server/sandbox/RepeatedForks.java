package io.opensandbox.server.sandbox;

import io.avaje.jsonb.Jsonb;
import io.opensandbox.protocol.ErrorBody;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.ForkedSandbox;
import io.opensandbox.protocol.lifecycle.ForkedSandboxes;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/// Forks with an idempotency key: the first is done, its repeats get its answer. The ids of the
/// copies follow from the fork's own, so that the answer is found again after a crash.
final class RepeatedForks {
  // Under the 30 s after which clients give up.
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration PAUSE = Duration.ofMillis(100);

  private final SandboxStore store;
  private final Map<String, CountDownLatch> running = new ConcurrentHashMap<>();

  RepeatedForks(SandboxStore store) {
    this.store = store;
  }

  /// Ids of the copies of a fork.
  static List<String> copies(String forkId, int count) {
    return IntStream.range(0, count).mapToObj(number -> copy(forkId, number)).toList();
  }

  // Looks like a random UUID, but for those who know the fork's.
  private static String copy(String forkId, int number) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest((forkId + "/" + number).getBytes(StandardCharsets.UTF_8));
      ByteBuffer bits = ByteBuffer.wrap(digest);
      long high = (bits.getLong() & 0xffff_ffff_ffff_0fffL) | 0x4000L;
      long low = (bits.getLong() & 0x3fff_ffff_ffff_ffffL) | 0x8000_0000_0000_0000L;
      return new UUID(high, low).toString();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /// Adds the rows of a fork under `key`, or finds the answer of an earlier one. When the rows were
  /// added, the caller makes the copies and then calls [#done].
  Optional<String> claim(String forkId, List<SandboxRow> rows, String text, IdempotencyKey key) {
    running.put(forkId, new CountDownLatch(1));
    boolean ours = false;
    try {
      while (true) {
        ours = store.insertAllOnce(rows, text, forkId, key).isEmpty();
        if (ours) {
          return Optional.empty();
        }
        Optional<String> answer = answer(rows.getFirst().tenant(), key, rows.size());
        if (answer.isPresent()) {
          return answer;
        }
      }
    } finally {
      if (!ours) {
        done(forkId);
      }
    }
  }

  /// Says that the copies of a fork are made, or cannot be.
  void done(String forkId) {
    CountDownLatch latch = running.remove(forkId);
    if (latch != null) {
      latch.countDown();
    }
  }

  /// The answer of an earlier fork with this key, waiting for one that is under way; empty when the
  /// key is free.
  Optional<String> answer(String tenant, IdempotencyKey key, int count) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      Optional<EarlierCreate> earlier = store.earlier(tenant, key);
      if (earlier.isEmpty()) {
        return Optional.empty();
      }
      if (!earlier.get().requestHash().equals(key.requestHash())) {
        throw new SandboxException(
            ErrorCode.IDEMPOTENCY_CONFLICT,
            "the Idempotency-Key was used with another request before");
      }
      if (earlier.get().response().isPresent()) {
        return earlier.get().response();
      }
      if (!awaitEnd(earlier.get().sandboxId(), deadline)) {
        Optional<String> found = lost(tenant, key, earlier.get().sandboxId(), count);
        if (found.isPresent()) {
          return found;
        }
      }
    }
  }

  /// Waits a while for a fork under way.
  ///
  /// @return whether it is made by this server
  private boolean awaitEnd(String forkId, long deadline) {
    long left = deadline - System.nanoTime();
    if (left <= 0) {
      throw new SandboxException(
          ErrorCode.IDEMPOTENCY_CONFLICT,
          "the fork with this Idempotency-Key is still under way; try again");
    }
    CountDownLatch latch = running.get(forkId);
    try {
      if (latch != null) {
        boolean _ = latch.await(left, TimeUnit.NANOSECONDS);
      } else {
        // Another server's fork ends without a signal here.
        boolean _ = new CountDownLatch(1).await(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SandboxException(
          ErrorCode.START_FAILED, "the fork was interrupted: the server is stopping", e);
    }
    return latch != null;
  }

  /// The answer of a fork whose server died before it wrote the answer down. Empty while copies are
  /// still being made or cleaned up; when none is left, the key is freed.
  private Optional<String> lost(String tenant, IdempotencyKey key, String forkId, int count) {
    List<String> ids = copies(forkId, count);
    List<SandboxRow> found = ids.stream().flatMap(id -> store.find(id).stream()).toList();
    if (found.stream().anyMatch(row -> row.intent() != Intent.KEEP)) {
      return Optional.empty();
    }
    if (found.isEmpty()) {
      store.delete(forkId);
      return Optional.empty();
    }
    List<ForkedSandbox> items =
        ids.stream()
            .map(id ->
                store
                    .find(id)
                    .map(RepeatedForks::made)
                    .orElseGet(
                        () -> failed(id, ErrorCode.START_FAILED, "the server stopped meanwhile")))
            .toList();
    String answer = Jsonb.instance().toJson(new ForkedSandboxes(items));
    store.recordResponse(tenant, key, answer);
    return Optional.of(answer);
  }

  /// The result of a copy that runs.
  static ForkedSandbox made(SandboxRow row) {
    return new ForkedSandbox(row.id(), SandboxViews.sandbox(row), null);
  }

  /// The result of a copy of which nothing is left.
  static ForkedSandbox failed(String id, ErrorCode code, String message) {
    return new ForkedSandbox(id, null, new ErrorBody(code.wire(), message));
  }
}
