package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.protocol.lifecycle.SandboxState;
import io.opensandbox.runtime.Capabilities;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.json.Json;
import io.opensandbox.server.json.JsonText;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The rules of the lifecycle. Every method blocks until its effect is there, except a create whose
/// image has to be pulled for longer than the configured wait.
public final class SandboxService {
  // Under the 30 s after which clients give up.
  private static final Duration LONGEST_CREATE = Duration.ofSeconds(20);

  private final SandboxRuntime runtime;
  private final SandboxStore store;
  private final SandboxLocks locks;
  private final Provisioner provisioner;
  private final InstantSource clock;
  private final Removal removal;
  private final Expiry expiry;
  private final CreateRequestParser parser;
  private final SnapshotImages snapshots;
  private final Duration createWait;
  private final RepeatedCreates repeats;
  private final PoolTemplates pools;
  private final Claims claims;

  SandboxService(
      SandboxParts parts,
      Removal removal,
      Expiry expiry,
      CreateRequestParser parser,
      SnapshotImages snapshots,
      PoolTemplates pools,
      Claims claims,
      Duration createWait) {
    this.runtime = parts.runtime();
    this.store = parts.store();
    this.locks = parts.locks();
    this.provisioner = parts.provisioner();
    this.clock = parts.clock();
    this.removal = removal;
    this.expiry = expiry;
    this.parser = parser;
    this.snapshots = snapshots;
    this.createWait = createWait;
    this.repeats = new RepeatedCreates(parts);
    this.pools = pools;
    this.claims = claims;
  }

  /// What a create made.
  ///
  /// @param entrypoint as requested, before splitting
  record Created(SandboxRow row, List<String> entrypoint) {}

  /// Makes a sandbox and returns the response's JSON, which a retry with the same key gets again.
  ///
  /// @param body the request
  /// @param text the request as it was sent, kept until the sandbox is there
  /// @param key of the client, under which this is done once
  String create(Json.Obj body, String text, Optional<IdempotencyKey> key, String tenant) {
    Instant now = now();
    CreateRequest request =
        parser.parse(
            body,
            now,
            (poolRef, snapshotId) -> {
              poolRef.ifPresent(name -> pools.find(name, tenant));
              snapshotId.ifPresent(id -> snapshots.imageOf(id, tenant));
            });
    if (request.poolRef().isPresent()) {
      PoolTemplate template = pools.find(request.poolRef().get(), tenant);
      return createFrom(template, request, body, key, tenant);
    }
    SandboxRow row = newRow(request, tenant, now);
    runtime.check(provisioner.spec(row, request));
    if (key.isEmpty()) {
      store.insert(row, text);
      return SandboxViews.json(await(row, request));
    }
    return repeats
        .answer(row, text, key.get(), asked(request))
        .orElseGet(() -> {
          String response = SandboxViews.json(await(row, request));
          store.recordResponse(tenant, key.get(), response);
          return response;
        });
  }

  // A member of the pool when there is one that can be what was asked for, else a new sandbox.
  private String createFrom(
      PoolTemplate template,
      CreateRequest request,
      Json.Obj body,
      Optional<IdempotencyKey> key,
      String tenant) {
    Instant now = now();
    Json.Obj coldBody = template.coldCreate(body);
    CreateRequest cold = parser.parse(coldBody, now);
    SandboxRow row = newRow(cold, tenant, now);
    var claimed = new AtomicReference<@Nullable SandboxRow>();
    Supplier<Optional<EarlierCreate>> attempt =
        () ->
            switch (claims.claim(template, request, row, key)) {
              case Claims.Outcome.Repeated(EarlierCreate earlier) -> Optional.of(earlier);
              case Claims.Outcome.Claimed(SandboxRow member) -> {
                claimed.set(member);
                yield Optional.empty();
              }
              case Claims.Outcome.None _ -> {
                runtime.check(provisioner.spec(row, cold));
                String text = JsonText.of(coldBody);
                if (key.isPresent()) {
                  yield store.insertOnce(row, text, key.get());
                }
                store.insert(row, text);
                yield Optional.empty();
              }
            };
    Optional<String> earlier =
        key.isPresent()
            ? repeats.answer(tenant, key.get(), asked(cold), attempt)
            : attempt.get().flatMap(EarlierCreate::response);
    if (earlier.isPresent()) {
      return earlier.get();
    }
    @Nullable SandboxRow member = claimed.get();
    pools.claimed(template.pool(), member != null);
    expiry.poke();
    String response =
        SandboxViews.json(
            member == null
                ? await(row, cold)
                : new Created(member.withStatus(Status.started(now)), asked(cold)));
    key.ifPresent(used -> store.recordResponse(tenant, used, response));
    return response;
  }

  // What the client asked for, before splitting.
  private static List<String> asked(CreateRequest request) {
    return request.entrypoint().isEmpty() ? Entrypoints.KEEP_RUNNING : request.entrypoint();
  }

  private Created await(SandboxRow row, CreateRequest request) {
    expiry.poke();
    Provisioning provisioning = provisioner.start(row, request);
    List<String> entrypoint = asked(request);
    try {
      boolean imageReady = provisioning.awaitImage(createWait);
      if (imageReady && provisioning.awaitDone(LONGEST_CREATE)) {
        return new Created(ended(row, provisioning), entrypoint);
      }
      // Recorded before the client is told, so that a crash in between keeps the sandbox.
      if (store.acknowledge(row.id()) && provisioning.acknowledge()) {
        return new Created(store.find(row.id()).orElse(row), entrypoint);
      }
      provisioning.awaitDone(LONGEST_CREATE);
      return new Created(ended(row, provisioning), entrypoint);
    } catch (InterruptedException e) {
      provisioning.cancel();
      Thread.currentThread().interrupt();
      throw new SandboxException(
          ErrorCode.START_FAILED, "the create was interrupted: the server is stopping", e);
    }
  }

  private SandboxRow newRow(CreateRequest request, String tenant, Instant now) {
    String image =
        request
            .snapshotId()
            .map(snapshot -> snapshots.imageOf(snapshot, tenant))
            .or(() -> request.image().map(asked -> asked.reference()))
            .orElse("");
    List<String> entrypoint = Entrypoints.split(asked(request));
    return new SandboxRow(
        UUID.randomUUID().toString(),
        tenant,
        Intent.CREATE,
        Status.scheduled(now),
        now,
        request.timeout().map(now::plus),
        new SandboxRow.Definition(
            image,
            request.snapshotId(),
            request.platform(),
            entrypoint,
            request.accessRenewSeconds()),
        request.metadata(),
        1,
        false);
  }

  private SandboxRow ended(SandboxRow row, Provisioning provisioning) {
    Optional<SandboxException> failure = provisioning.failure();
    if (failure.isPresent()) {
      throw failure.get();
    }
    return row.withStatus(Status.started(row.createdAt()));
  }

  /// One sandbox. Throws `SANDBOX_NOT_FOUND` when there is none that the tenant sees.
  ///
  /// @param tenant empty text sees all
  public SandboxRow get(String id, String tenant) {
    return store
        .find(id)
        .filter(SandboxRow::isVisible)
        .filter(row -> tenant.isEmpty() || tenant.equals(row.tenant()))
        .orElseThrow(() -> notFound(id));
  }

  /// One page of the sandboxes that match, newest first.
  SandboxStore.Page list(SandboxFilter filter, String tenant) {
    if (filter.isEmpty()) {
      return store.page(tenant, filter.page(), filter.pageSize());
    }
    List<SandboxRow> matching = store.visible(tenant).stream().filter(filter::matches).toList();
    long skip = (long) (filter.page() - 1) * filter.pageSize();
    return new SandboxStore.Page(
        matching.stream().skip(skip).limit(filter.pageSize()).toList(), matching.size());
  }

  /// Removes a sandbox in any state.
  void delete(String id, String tenant) {
    locked(
        id,
        () -> {
          removal.remove(get(id, tenant));
          return id;
        });
  }

  /// Sets when a sandbox expires; earlier than before is fine.
  ///
  /// @return the new expiry
  public Instant renew(String id, Instant expiresAt, String tenant) {
    SandboxRow row = get(id, tenant);
    if (!expiresAt.isAfter(clock.instant())) {
      throw new SandboxException(
          ErrorCode.INVALID_EXPIRATION, "\"expiresAt\" must be in the future");
    }
    if (row.expiresAt().isEmpty()) {
      throw new SandboxException(
          ErrorCode.NO_AUTOMATIC_EXPIRATION,
          "sandbox \"" + id + "\" does not have automatic expiration enabled");
    }
    if (!store.renew(id, expiresAt)) {
      throw notFound(id);
    }
    expiry.poke();
    return expiresAt;
  }

  /// Applies a merge patch to the metadata: null deletes a key.
  ///
  /// @param ifMatch versions of which the client expects one; empty for any
  SandboxRow patchMetadata(
      String id, Map<String, Optional<String>> patch, Optional<Set<Long>> ifMatch, String tenant) {
    SandboxRow row = get(id, tenant);
    checkPatch(patch);
    while (true) {
      if (ifMatch.isPresent() && !ifMatch.get().contains(row.version())) {
        throw new SandboxException(
            ErrorCode.PRECONDITION_FAILED,
            "sandbox \"" + id + "\" was changed meanwhile; get it again for its ETag");
      }
      Map<String, String> metadata = new LinkedHashMap<>(row.metadata());
      patch.forEach((key, value) ->
          value.ifPresentOrElse(text -> metadata.put(key, text), () -> metadata.remove(key)));
      if (metadata.equals(row.metadata())) {
        return row;
      }
      boolean written = store.updateMetadata(id, metadata, row.version());
      row = get(id, tenant);
      if (written) {
        return row;
      }
      // Somebody else's patch came first; each such turn is one patch that was done.
    }
  }

  private static void checkPatch(Map<String, Optional<String>> patch) {
    for (String key : patch.keySet()) {
      if (MetadataRules.isReserved(key)) {
        throw new SandboxException(
            ErrorCode.RESERVED_METADATA_KEY, "metadata key \"" + key + "\" is reserved");
      }
    }
    Map<String, String> set = new LinkedHashMap<>();
    patch.forEach((key, value) -> value.ifPresent(text -> set.put(key, text)));
    MetadataRules.check(set);
  }

  /// Freezes a running sandbox.
  void pause(String id, String tenant) {
    locked(
        id,
        () -> {
          SandboxRow row = get(id, tenant);
          requireFeature(Capabilities.Feature.PAUSE, "pausing");
          if (row.intent() != Intent.KEEP || row.status().state() == SandboxState.PAUSED) {
            throw new SandboxException(
                ErrorCode.SANDBOX_NOT_RUNNING,
                "cannot pause sandbox \"" + id + "\": it is " + row.status().state().wire());
          }
          runtime.pause(id);
          return store.updateStatus(
              id,
              Intent.KEEP,
              new Status(
                  SandboxState.PAUSED, "CONTAINER_PAUSED", "Sandbox container is paused.", now()));
        });
  }

  /// Thaws a paused sandbox.
  void resume(String id, String tenant) {
    locked(
        id,
        () -> {
          SandboxRow row = get(id, tenant);
          requireFeature(Capabilities.Feature.PAUSE, "resuming");
          if (row.intent() != Intent.KEEP) {
            throw new SandboxException(
                ErrorCode.SANDBOX_NOT_PAUSED,
                "cannot resume sandbox \"" + id + "\": it is " + row.status().state().wire());
          }
          runtime.resume(id);
          return store.updateStatus(
              id,
              Intent.KEEP,
              new Status(
                  SandboxState.RUNNING,
                  "CONTAINER_RUNNING",
                  "Sandbox container is running.",
                  now()));
        });
  }

  private void requireFeature(Capabilities.Feature feature, String doing) {
    if (!runtime.capabilities().has(feature)) {
      throw new SandboxException(
          ErrorCode.API_NOT_SUPPORTED, doing + " is not supported by this runtime");
    }
  }

  private <T> T locked(String id, Supplier<T> work) {
    return locks.with(id, work);
  }

  private Instant now() {
    return clock.instant().truncatedTo(ChronoUnit.MICROS);
  }

  private static SandboxException notFound(String id) {
    return new SandboxException(
        ErrorCode.SANDBOX_NOT_FOUND, "sandbox \"" + id + "\" does not exist");
  }
}
