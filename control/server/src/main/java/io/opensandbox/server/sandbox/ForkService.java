package io.opensandbox.server.sandbox;

import io.avaje.jsonb.Jsonb;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.ForkedSandbox;
import io.opensandbox.protocol.lifecycle.ForkedSandboxes;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.protocol.lifecycle.SandboxState;
import io.opensandbox.runtime.Capabilities;
import io.opensandbox.runtime.ForkPoint;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.json.Json;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/// Makes copies of a sandbox: its files are captured once, each copy is a create of its own.
public final class ForkService {
  // Under the 30 s after which clients give up.
  private static final Duration LONGEST = Duration.ofSeconds(20);
  private static final Duration CANCEL_LIMIT = Duration.ofSeconds(5);

  private final SandboxRuntime runtime;
  private final SandboxStore store;
  private final SandboxLocks locks;
  private final Provisioner provisioner;
  private final InstantSource clock;
  private final SandboxService sandboxes;
  private final Expiry expiry;
  private final CreateRules rules;
  private final RepeatedForks repeats;

  ForkService(SandboxParts parts, SandboxService sandboxes, Expiry expiry, CreateRules rules) {
    this.runtime = parts.runtime();
    this.store = parts.store();
    this.locks = parts.locks();
    this.provisioner = parts.provisioner();
    this.clock = parts.clock();
    this.sandboxes = sandboxes;
    this.expiry = expiry;
    this.rules = rules;
    this.repeats = new RepeatedForks(parts.store());
  }

  /// Makes copies of a running or paused sandbox and returns the response's JSON, which a repeat
  /// with the same key gets again. Blocks until every copy runs or has failed.
  ///
  /// @param body the request
  /// @param text the request as it was sent
  /// @param key of the client, under which this is done once
  String fork(String id, Json.Obj body, String text, Optional<IdempotencyKey> key, String tenant) {
    Instant now = clock.instant().truncatedTo(ChronoUnit.MICROS);
    ForkRequest request = ForkRequest.parse(body, rules, now);
    if (key.isPresent()) {
      Optional<String> answer = repeats.answer(tenant, key.get(), request.count());
      if (answer.isPresent()) {
        return answer.get();
      }
    }
    SandboxRow source = source(id, tenant);
    String forkId = UUID.randomUUID().toString();
    List<SandboxRow> rows = rows(source, request, forkId, now);
    if (key.isEmpty()) {
      store.insertAll(rows, text);
      return json(make(source, rows));
    }
    return repeats
        .claim(forkId, rows, text, key.get())
        .orElseGet(() -> makeOnce(source, rows, forkId, key.get()));
  }

  private String makeOnce(
      SandboxRow source, List<SandboxRow> rows, String forkId, IdempotencyKey key) {
    try {
      String answer = json(make(source, rows));
      store.recordResponse(source.tenant(), key, answer);
      return answer;
    } catch (SandboxException e) {
      // Nothing was made, so that the key is free again.
      store.delete(forkId);
      throw e;
    } finally {
      repeats.done(forkId);
    }
  }

  private SandboxRow source(String id, String tenant) {
    SandboxRow row = sandboxes.get(id, tenant);
    if (!runtime.capabilities().has(Capabilities.Feature.FORK)) {
      throw new SandboxException(
          ErrorCode.API_NOT_SUPPORTED, "forking is not supported by this runtime");
    }
    SandboxState state = row.status().state();
    boolean there = state == SandboxState.RUNNING || state == SandboxState.PAUSED;
    if (row.intent() != Intent.KEEP || !there) {
      throw new SandboxException(
          ErrorCode.SANDBOX_NOT_RUNNING,
          "cannot fork sandbox \"" + id + "\": it is " + state.wire());
    }
    return row;
  }

  private static List<SandboxRow> rows(
      SandboxRow source, ForkRequest request, String forkId, Instant now) {
    List<SandboxRow> rows = new ArrayList<>();
    for (String id : RepeatedForks.copies(forkId, request.count())) {
      rows.add(
          new SandboxRow(
              id,
              source.tenant(),
              Intent.CREATE,
              Status.scheduled(now),
              now,
              request.timeout().map(now::plus).or(source::expiresAt),
              source.definition(),
              request.metadata().orElse(source.metadata()),
              1,
              false));
    }
    return rows;
  }

  private ForkedSandboxes make(SandboxRow source, List<SandboxRow> rows) {
    expiry.poke();
    var captured = new CompletableFuture<ForkPoint>();
    // They are under way before anything is captured, so that nobody takes them for left behind.
    List<Provisioning> copies =
        rows.stream().map(row -> provisioner.startCopy(row, () -> joined(captured))).toList();
    try (ForkPoint point = capture(source, captured, copies)) {
      captured.complete(point);
      return await(rows, copies);
    } catch (InterruptedException e) {
      copies.forEach(Provisioning::cancel);
      Thread.currentThread().interrupt();
      throw new SandboxException(
          ErrorCode.START_FAILED, "the fork was interrupted: the server is stopping", e);
    }
  }

  private ForkPoint capture(
      SandboxRow source, CompletableFuture<ForkPoint> captured, List<Provisioning> copies)
      throws InterruptedException {
    try {
      return locks.with(source.id(), () -> runtime.fork(source.id()));
    } catch (RuntimeException e) {
      captured.completeExceptionally(e);
      for (Provisioning copy : copies) {
        boolean _ = copy.awaitDone(CANCEL_LIMIT);
      }
      throw e;
    }
  }

  private static ForkPoint joined(CompletableFuture<ForkPoint> captured) {
    try {
      return captured.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  private static ForkedSandboxes await(List<SandboxRow> rows, List<Provisioning> copies)
      throws InterruptedException {
    long deadline = System.nanoTime() + LONGEST.toNanos();
    List<ForkedSandbox> items = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      Duration left = Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
      if (!copies.get(i).awaitDone(left)) {
        copies.get(i).cancel();
        boolean _ = copies.get(i).awaitDone(CANCEL_LIMIT);
      }
      items.add(item(rows.get(i), copies.get(i)));
    }
    return new ForkedSandboxes(items);
  }

  private static ForkedSandbox item(SandboxRow row, Provisioning copy) {
    if (copy.isCancelled()) {
      return RepeatedForks.failed(
          row.id(), ErrorCode.START_FAILED, "the copy was not there in time, or was deleted");
    }
    return copy.failure()
        .map(failure ->
            RepeatedForks.failed(row.id(), failure.code(), String.valueOf(failure.getMessage())))
        .orElseGet(() -> RepeatedForks.made(row.withStatus(Status.started(row.createdAt()))));
  }

  private static String json(ForkedSandboxes forked) {
    return Jsonb.instance().toJson(forked);
  }
}
