package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.function.Predicate;

/// The sandboxes of pools that nobody has claimed: made like any other, seen by nobody.
public final class Members {
  private static final Duration LONGEST_MAKING = Duration.ofMinutes(30);

  private final SandboxParts parts;
  private final MemberStore store;
  private final CreateRequestParser parser;
  private final Removal removal;
  private final SandboxExecd execd;
  private volatile Runnable listener = () -> {};

  Members(
      SandboxParts parts,
      MemberStore store,
      CreateRequestParser parser,
      Removal removal,
      SandboxExecd execd) {
    this.parts = parts;
    this.store = store;
    this.parser = parser;
    this.removal = removal;
    this.execd = execd;
  }

  /// How many sandboxes a pool has.
  ///
  /// @param making on their way
  /// @param ready waiting to be claimed
  /// @param claimed used by clients
  public record Counts(int making, int ready, int claimed) {}

  /// A member that nobody has claimed.
  ///
  /// @param revision of the template it was made from
  /// @param made whether it is complete
  /// @param running whether its processes run, as far as is known
  public record Idle(String id, String revision, boolean made, boolean running) {}

  /// Names who is told, on any thread, when members may have come, gone or died. Must return at
  /// once.
  public void listen(Runnable changes) {
    listener = changes;
  }

  /// Something happened to members or to sandboxes that were.
  void changed() {
    listener.run();
  }

  /// Refuses a template that no member can be made from, making nothing.
  public void check(PoolTemplate template) {
    SandboxRow row = row(request(template));
    parts.runtime().check(parts.provisioner().spec(row, request(template)));
  }

  /// Makes one member, unless `allowed` refuses the numbers as they are when it begins. Blocks
  /// until the member is ready, its image pulled if need be.
  ///
  /// Throws `SandboxException` when it cannot be made; nothing of it is left then.
  ///
  /// @return whether one was made
  public boolean make(PoolTemplate template, Predicate<Counts> allowed)
      throws InterruptedException {
    CreateRequest request = request(template);
    SandboxRow row = row(request);
    if (!store.reserve(row, template, allowed)) {
      return false;
    }
    Provisioning provisioning = parts.provisioner().start(row, request);
    try {
      if (!provisioning.awaitDone(LONGEST_MAKING)) {
        provisioning.cancel();
        throw new SandboxException(
            ErrorCode.START_FAILED, "the member was not ready after " + LONGEST_MAKING);
      }
    } catch (InterruptedException e) {
      provisioning.cancel();
      throw e;
    }
    Optional<SandboxException> failure = provisioning.failure();
    if (failure.isPresent()) {
      throw failure.get();
    }
    return true;
  }

  private CreateRequest request(PoolTemplate template) {
    return parser.parse(template.body(), parts.clock().instant()).inPool(template.pool());
  }

  private SandboxRow row(CreateRequest request) {
    Instant now = parts.clock().instant().truncatedTo(ChronoUnit.MICROS);
    List<String> entrypoint =
        Entrypoints.split(
            request.entrypoint().isEmpty() ? Entrypoints.KEEP_RUNNING : request.entrypoint());
    return new SandboxRow(
        UUID.randomUUID().toString(),
        "",
        Intent.FILL,
        Status.scheduled(now),
        now,
        Optional.empty(),
        new SandboxRow.Definition(
            request.image().map(image -> image.reference()).orElse(""),
            Optional.empty(),
            Optional.empty(),
            entrypoint,
            OptionalInt.empty()),
        Map.of(),
        1,
        false);
  }

  /// How many sandboxes a pool has.
  public Counts count(String pool) {
    return store.count(pool);
  }

  /// The members of a pool that nobody has claimed, oldest first.
  public List<Idle> idle(String pool) {
    return store.idle(pool);
  }

  /// Names of the pools that have unclaimed members, also of pools that are gone.
  public List<String> pools() {
    return store.pools();
  }

  /// Removes a member, unless it was claimed meanwhile.
  public void remove(String id) {
    parts
        .locks()
        .unlessTaken(
            id,
            () ->
                parts
                    .store()
                    .find(id)
                    .filter(row -> row.intent() == Intent.FILL || row.intent() == Intent.WARM)
                    .ifPresent(removal::removeMember));
  }

  /// Keeps the daemon of a member from falling asleep; false when it does not answer.
  public boolean touch(String id) {
    return execd.answers(id, Optional.empty(), Duration.ofSeconds(10));
  }
}
