package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Creates with an idempotency key: the first is done, its repeats get its answer, whichever server
/// they come to and whatever became of the server that did the first.
final class RepeatedCreates {
  // Under the 30 s after which clients give up.
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration PAUSE = Duration.ofMillis(100);

  private final SandboxStore store;
  private final Provisioner provisioner;

  RepeatedCreates(SandboxParts parts) {
    this.store = parts.store();
    this.provisioner = parts.provisioner();
  }

  /// Adds `row` under `key`, or finds the answer of an earlier create with that key, waiting for
  /// one that is under way.
  ///
  /// @param entrypoint as it was asked for
  /// @return the earlier answer, or empty when the row was added
  Optional<String> answer(
      SandboxRow row, String text, IdempotencyKey key, List<String> entrypoint) {
    return answer(row.tenant(), key, entrypoint, () -> store.insertOnce(row, text, key));
  }

  /// Does `attempt` until it says that its sandbox has the key, or finds the answer of an earlier
  /// create with that key.
  ///
  /// @param attempt says which create has the key already; empty when its own got it
  Optional<String> answer(
      String tenant,
      IdempotencyKey key,
      List<String> entrypoint,
      Supplier<Optional<EarlierCreate>> attempt) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      Optional<EarlierCreate> earlier = attempt.get();
      if (earlier.isEmpty()) {
        return Optional.empty();
      }
      if (!earlier.get().requestHash().equals(key.requestHash())) {
        throw new SandboxException(
            ErrorCode.IDEMPOTENCY_CONFLICT,
            "the Idempotency-Key was used with another request before");
      }
      Optional<String> answer = answer(tenant, earlier.get(), key, entrypoint);
      if (answer.isPresent()) {
        return answer;
      }
      await(earlier.get().sandboxId(), deadline);
    }
  }

  private Optional<String> answer(
      String tenant, EarlierCreate earlier, IdempotencyKey key, List<String> entrypoint) {
    if (earlier.response().isPresent() || provisioner.active(earlier.sandboxId()) != null) {
      return earlier.response();
    }
    Optional<SandboxRow> made = store.find(earlier.sandboxId()).filter(RepeatedCreates::isAnswer);
    if (made.isEmpty()) {
      return Optional.empty();
    }
    // The server that made it died before it wrote the answer down, or is about to write the same.
    String answer = SandboxViews.json(new SandboxService.Created(told(made.get()), entrypoint));
    store.recordResponse(tenant, key, answer);
    return Optional.of(answer);
  }

  private static boolean isAnswer(SandboxRow row) {
    return switch (row.intent()) {
      case KEEP, KEEP_FAILED -> true;
      case CREATE -> row.acknowledged();
      case FILL, WARM, REMOVE, FORGET -> false;
    };
  }

  private static SandboxRow told(SandboxRow row) {
    return row.acknowledged() ? row : row.withStatus(Status.started(row.createdAt()));
  }

  private void await(String id, long deadline) {
    try {
      @Nullable Provisioning provisioning = provisioner.active(id);
      Duration left = Duration.ofNanos(deadline - System.nanoTime());
      if (!left.isPositive()) {
        throw new SandboxException(
            ErrorCode.IDEMPOTENCY_CONFLICT,
            "the create with this Idempotency-Key is still under way; try again");
      }
      if (provisioning == null) {
        // Another server's create ends without a signal here.
        boolean _ = new Semaphore(0).tryAcquire(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
      } else {
        provisioning.awaitDone(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SandboxException(
          ErrorCode.START_FAILED, "the create was interrupted: the server is stopping", e);
    }
  }
}
