package io.opensandbox.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What every runtime must do. A runtime extends this and is done when it passes.
///
/// Every sandbox and volume made through the helpers here is removed after the test.
public abstract class SandboxRuntimeTck {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final List<String> sandboxes = new CopyOnWriteArrayList<>();
  private final List<String> snapshots = new CopyOnWriteArrayList<>();

  /// The runtime under test; the same one for all calls of one test.
  protected abstract SandboxRuntime runtime();

  /// An image on the host with `/bin/sh` and `sleep`.
  protected abstract String image();

  /// An image that is nowhere.
  protected abstract String unknownImage();

  /// Removes what the test made.
  @AfterEach
  protected void removeEverything() {
    sandboxes.forEach(id -> runtime().remove(id, Duration.ZERO));
    snapshots.forEach(reference -> runtime().removeSnapshot(reference));
  }

  /// A specification with a new id.
  protected SandboxSpec spec(String... entrypoint) {
    String id = UUID.randomUUID().toString();
    sandboxes.add(id);
    return new SandboxSpec(
        id,
        List.of(entrypoint),
        Map.of(),
        ResourceLimits.NONE,
        List.of(),
        Map.of(Labels.ID, id, Labels.MANUAL_CLEANUP, "true", "team", "red"),
        Optional.empty());
  }

  /// Makes a sandbox of [#image].
  protected RuntimeSandbox create(String... entrypoint) {
    return create(spec(entrypoint));
  }

  /// Makes a sandbox of [#image].
  protected RuntimeSandbox create(SandboxSpec spec) {
    return runtime().create(spec, prepared(image()));
  }

  /// Makes and starts a sandbox of [#image].
  protected RuntimeSandbox createAndStart(String... entrypoint) {
    return runtime().start(create(entrypoint).id());
  }

  /// The image, pulled if need be.
  protected PreparedImage prepared(String reference) {
    return runtime().prepareImage(ImageRequest.of(reference), _ -> {});
  }

  /// Waits until the sandbox is in `state`, woken by the runtime's events.
  protected RuntimeSandbox awaitState(String id, RuntimeSandbox.State state) {
    BlockingQueue<RuntimeEvent> events = new LinkedBlockingQueue<>();
    try (SandboxRuntime.Subscription _ = runtime().subscribe(events::add)) {
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      while (System.nanoTime() < deadline) {
        Optional<RuntimeSandbox> now = runtime().find(id);
        if (now.isPresent() && now.get().state() == state) {
          return now.get();
        }
        events.poll(100, TimeUnit.MILLISECONDS);
      }
      return fail("sandbox %s is not %s after %s: %s", id, state, PATIENCE, runtime().find(id));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return fail("interrupted", e);
    }
  }

  /// Checks that the call fails with a code of the contract.
  protected static void assertFails(ErrorCode code, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            SandboxException.class, failure -> assertThat(failure.code()).isEqualTo(code));
  }

  private void assumeFeature(Capabilities.Feature feature) {
    assumeTrue(runtime().capabilities().has(feature), () -> "runtime lacks " + feature);
  }

  @Test
  void platformIsLinux() {
    assertThat(runtime().capabilities().platformOs()).isEqualTo("linux");
    assertThat(runtime().capabilities().platformArch()).isIn("amd64", "arm64");
  }

  @Test
  void isHealthy() {
    assertThat(runtime().unhealthyReason()).isEmpty();
  }

  @Test
  void prepareImage_thatIsPresent_returnsItsId() {
    assertThat(runtime().isImagePresent(ImageRequest.of(image()))).isTrue();

    PreparedImage prepared = prepared(image());

    assertThat(prepared.reference()).isEqualTo(image());
    assertThat(prepared.id()).startsWith("sha256:");
  }

  @Test
  void prepareImage_thatIsNowhere_saysWhich() {
    assertThat(runtime().isImagePresent(ImageRequest.of(unknownImage()))).isFalse();

    assertThatThrownBy(() -> prepared(unknownImage()))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure -> assertThat(failure.code()).isEqualTo(ErrorCode.IMAGE_PULL_FAILED))
        .hasMessageStartingWith("Failed to pull image " + unknownImage() + ": ");
  }

  @Test
  void create_makesAStoppedSandbox() {
    SandboxSpec spec = spec("sleep", "600");

    RuntimeSandbox made = create(spec);

    assertThat(made.id()).isEqualTo(spec.id());
    assertThat(made.state()).isEqualTo(RuntimeSandbox.State.CREATED);
    assertThat(made.entrypoint()).containsExactly("sleep", "600");
    assertThat(made.imageReference()).isEqualTo(image());
    assertThat(made.labels()).containsAllEntriesOf(spec.labels());
    assertThat(made.exitCode()).isEmpty();
    assertThat(made.finishedAt()).isEmpty();
  }

  @Test
  void create_again_returnsWhatExists() {
    SandboxSpec spec = spec("sleep", "600");
    create(spec);
    runtime().start(spec.id());

    RuntimeSandbox again = create(spec);

    assertThat(again.state()).isEqualTo(RuntimeSandbox.State.RUNNING);
    assertThat(runtime().list()).filteredOn(one -> one.id().equals(spec.id())).hasSize(1);
  }

  @Test
  void start_runsTheSandbox() {
    RuntimeSandbox made = create("sleep", "600");

    RuntimeSandbox started = runtime().start(made.id());

    assertThat(started.state()).isEqualTo(RuntimeSandbox.State.RUNNING);
    assertThat(runtime().find(made.id()))
        .map(RuntimeSandbox::state)
        .contains(RuntimeSandbox.State.RUNNING);
  }

  @Test
  void start_ofARunningSandbox_isNoChange() {
    RuntimeSandbox running = createAndStart("sleep", "600");

    RuntimeSandbox again = runtime().start(running.id());

    assertThat(again.state()).isEqualTo(RuntimeSandbox.State.RUNNING);
    assertThat(again.createdAt()).isEqualTo(running.createdAt());
  }

  @ParameterizedTest
  @CsvSource({"true,,0", "sh,exit 0,0", "sh,exit 3,3", "/no/such/program,,127"})
  void exitCode_isThatOfTheEntrypoint(String program, String script, int code) {
    String[] command =
        script == null ? new String[] {program} : new String[] {program, "-c", script};

    String id = createAndStart(command).id();

    RuntimeSandbox ended = awaitState(id, RuntimeSandbox.State.EXITED);
    assertThat(ended.exitCode()).isEqualTo(OptionalInt.of(code));
    assertThat(ended.finishedAt()).isPresent();
  }

  @Test
  void find_ofAnUnknownId_isEmpty() {
    assertThat(runtime().find(UUID.randomUUID().toString())).isEmpty();
  }

  @Test
  void everyOtherCall_forAnUnknownId_isNotFound() {
    String nobody = UUID.randomUUID().toString();
    SandboxRuntime runtime = runtime();
    List<ThrowingCallable> calls =
        List.of(
            () -> runtime.start(nobody),
            () -> runtime.pause(nobody),
            () -> runtime.resume(nobody),
            () -> runtime.snapshot(nobody, UUID.randomUUID().toString()),
            () -> runtime.publicAddress(nobody, 44772),
            () -> runtime.internalAddress(nobody, 44772),
            () -> runtime.logs(nobody, 10, Optional.empty(), false),
            () -> runtime.stats(nobody),
            () -> runtime.describe(nobody),
            () -> runtime.updateLimits(nobody, ResourceLimits.NONE));

    calls.forEach(call -> assertFails(ErrorCode.SANDBOX_NOT_FOUND, call));
  }

  @Test
  void list_showsEverySandboxInAnyState() {
    String created = create("sleep", "600").id();
    String running = createAndStart("sleep", "600").id();
    String removed = createAndStart("sleep", "600").id();
    runtime().remove(removed, Duration.ZERO);

    Map<String, RuntimeSandbox.State> states = new HashMap<>();
    runtime().list().forEach(one -> states.put(one.id(), one.state()));

    assertThat(states)
        .containsEntry(created, RuntimeSandbox.State.CREATED)
        .containsEntry(running, RuntimeSandbox.State.RUNNING)
        .doesNotContainKey(removed);
  }

  @Test
  void pauseAndResume_freezeAndThaw() {
    assumeFeature(Capabilities.Feature.PAUSE);
    String id = createAndStart("sleep", "600").id();

    runtime().pause(id);
    assertThat(runtime().find(id)).map(RuntimeSandbox::state).contains(RuntimeSandbox.State.PAUSED);

    runtime().resume(id);
    assertThat(runtime().find(id))
        .map(RuntimeSandbox::state)
        .contains(RuntimeSandbox.State.RUNNING);
  }

  @Test
  void pause_ofWhatDoesNotRun_isNotRunning() {
    assumeFeature(Capabilities.Feature.PAUSE);
    String created = create("sleep", "600").id();
    String paused = createAndStart("sleep", "600").id();
    runtime().pause(paused);

    assertFails(ErrorCode.SANDBOX_NOT_RUNNING, () -> runtime().pause(created));
    assertFails(ErrorCode.SANDBOX_NOT_RUNNING, () -> runtime().pause(paused));
  }

  @Test
  void resume_ofWhatIsNotPaused_isNotPaused() {
    assumeFeature(Capabilities.Feature.PAUSE);
    String created = create("sleep", "600").id();
    String running = createAndStart("sleep", "600").id();

    assertFails(ErrorCode.SANDBOX_NOT_PAUSED, () -> runtime().resume(created));
    assertFails(ErrorCode.SANDBOX_NOT_PAUSED, () -> runtime().resume(running));
  }

  @Test
  void remove_convergesFromEveryState() {
    String created = create("sleep", "600").id();
    String running = createAndStart("sleep", "600").id();
    String ended = createAndStart("true").id();
    awaitState(ended, RuntimeSandbox.State.EXITED);

    for (String id : List.of(created, running, ended)) {
      runtime().remove(id, Duration.ZERO);

      assertThat(runtime().find(id)).isEmpty();
      assertThatCode(() -> runtime().remove(id, Duration.ZERO)).doesNotThrowAnyException();
    }
  }

  @Test
  void remove_ofAPausedSandbox_works() {
    assumeFeature(Capabilities.Feature.PAUSE);
    String id = createAndStart("sleep", "600").id();
    runtime().pause(id);

    runtime().remove(id, Duration.ZERO);

    assertThat(runtime().find(id)).isEmpty();
  }

  @Test
  void remove_withGrace_isBounded() {
    String id = createAndStart("sleep", "600").id();

    long before = System.nanoTime();
    runtime().remove(id, Duration.ofSeconds(1));

    assertThat(runtime().find(id)).isEmpty();
    assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(60));
  }

  @Test
  void remove_ofAnUnknownId_isNoError() {
    assertThatCode(() -> runtime().remove(UUID.randomUUID().toString(), Duration.ZERO))
        .doesNotThrowAnyException();
  }

  @Test
  void remove_manyTimesAtOnce_converges() throws Exception {
    String id = createAndStart("sleep", "600").id();

    inParallel(
        8,
        () -> {
          runtime().remove(id, Duration.ZERO);
          return id;
        });

    assertThat(runtime().find(id)).isEmpty();
  }

  @Test
  void create_manyAtOnce_allWork() throws Exception {
    List<String> ids = inParallel(4, () -> createAndStart("sleep", "600").id());

    List<String> ports = new ArrayList<>();
    for (String id : ids) {
      assertThat(runtime().find(id))
          .map(RuntimeSandbox::state)
          .contains(RuntimeSandbox.State.RUNNING);
      ports.add(runtime().publicAddress(id, 44772).authority());
    }
    assertThat(ports).doesNotHaveDuplicates();
  }

  @Test
  void snapshot_isRestorableAndCarriesNoLabels() {
    assumeFeature(Capabilities.Feature.SNAPSHOT);
    SandboxSpec source = spec("sleep", "600");
    create(source);
    runtime().start(source.id());

    String reference = snapshot(source.id());
    runtime().remove(source.id(), Duration.ZERO);

    assertThat(runtime().isSnapshotPresent(reference)).isTrue();
    String id = UUID.randomUUID().toString();
    sandboxes.add(id);
    SandboxSpec plain =
        new SandboxSpec(
            id,
            List.of("sleep", "600"),
            Map.of(),
            ResourceLimits.NONE,
            List.of(),
            Map.of(Labels.ID, id, Labels.SNAPSHOT_ID, "s"),
            Optional.empty());
    RuntimeSandbox restored = runtime().create(plain, prepared(reference));
    assertThat(restored.labels())
        .containsAllEntriesOf(plain.labels())
        .doesNotContainKeys("team", Labels.MANUAL_CLEANUP, Labels.EXPIRES_AT, Labels.VOLUMES);
    assertThat(runtime().start(id).state()).isEqualTo(RuntimeSandbox.State.RUNNING);
  }

  @Test
  void snapshot_again_isNoChange() {
    assumeFeature(Capabilities.Feature.SNAPSHOT);
    String id = createAndStart("sleep", "600").id();
    String snapshotId = UUID.randomUUID().toString();
    String reference = runtime().snapshot(id, snapshotId);
    snapshots.add(reference);

    assertThat(runtime().snapshot(id, snapshotId)).isEqualTo(reference);
  }

  @Test
  void removeSnapshot_inUse_isAConflictThatChangesNothing() {
    assumeFeature(Capabilities.Feature.SNAPSHOT);
    String reference = snapshot(createAndStart("sleep", "600").id());
    SandboxSpec user = spec("sleep", "600");
    runtime().create(user, prepared(reference));

    assertFails(ErrorCode.SNAPSHOT_DELETE_CONFLICT, () -> runtime().removeSnapshot(reference));
    assertThat(runtime().isSnapshotPresent(reference)).isTrue();

    runtime().remove(user.id(), Duration.ZERO);
    runtime().removeSnapshot(reference);
    assertThat(runtime().isSnapshotPresent(reference)).isFalse();
    assertThatCode(() -> runtime().removeSnapshot(reference)).doesNotThrowAnyException();
  }

  @Test
  void fork_givesCopiesThatOutliveTheSource() {
    assumeFeature(Capabilities.Feature.FORK);
    SandboxSpec source = spec("sleep", "600");
    create(source);
    runtime().start(source.id());
    List<String> copies = List.of(newId(), newId());

    try (ForkPoint point = runtime().fork(source.id())) {
      for (String copy : copies) {
        point.copy(copy, Map.of(Labels.ID, copy, "team", "blue"));
        runtime().start(copy);
      }
    }
    runtime().remove(source.id(), Duration.ZERO);

    for (String copy : copies) {
      RuntimeSandbox found = runtime().find(copy).orElseThrow();
      assertThat(found.state()).isEqualTo(RuntimeSandbox.State.RUNNING);
      assertThat(found.entrypoint()).isEqualTo(source.entrypoint());
      assertThat(found.labels())
          .containsEntry("team", "blue")
          .doesNotContainKeys(Labels.MANUAL_CLEANUP, Labels.EXPIRES_AT, Labels.VOLUMES);
    }
  }

  @Test
  void copy_again_isNoChange() {
    assumeFeature(Capabilities.Feature.FORK);
    String source = createAndStart("sleep", "600").id();
    String copy = newId();

    try (ForkPoint point = runtime().fork(source)) {
      RuntimeSandbox first = point.copy(copy, Map.of(Labels.ID, copy));

      assertThat(point.copy(copy, Map.of(Labels.ID, copy))).isEqualTo(first);
    }
  }

  private String newId() {
    String id = UUID.randomUUID().toString();
    sandboxes.add(id);
    return id;
  }

  @Test
  void prepareImage_ofASnapshotThatIsGone_neverPulls() {
    assumeFeature(Capabilities.Feature.SNAPSHOT);

    assertFails(
        ErrorCode.SNAPSHOT_INVALID_RESTORE_CONFIG,
        () -> prepared("opensandbox-snapshots:" + UUID.randomUUID()));
  }

  @Test
  void addresses_resolveInEveryState() {
    String id = create("true").id();
    PortAddress before = runtime().publicAddress(id, 44772);
    runtime().start(id);
    awaitState(id, RuntimeSandbox.State.EXITED);

    assertThat(runtime().publicAddress(id, 44772)).isEqualTo(before);
    assertThat(runtime().publicAddress(id, 8080).authority()).contains(":");
    assertThat(runtime().publicAddress(id, 18080).headers()).isEmpty();
  }

  @Test
  void logs_areTheEntrypointsOutput() {
    String id = createAndStart("sh", "-c", "echo one; echo two; echo three").id();
    awaitState(id, RuntimeSandbox.State.EXITED);

    assertThat(runtime().logs(id, 2, Optional.empty(), false)).isEqualTo("two\nthree\n");
    assertThat(runtime().logs(id, 1, Optional.of(Duration.ofMinutes(10)), true))
        .matches("\\d{4}-\\d\\d-\\d\\dT\\S+Z three\n");
  }

  @Test
  void stats_ofARunningSandbox() {
    String id = createAndStart("sleep", "600").id();

    SandboxStats stats = runtime().stats(id);

    assertThat(stats.memoryBytes()).isPositive();
    assertThat(stats.memoryLimitBytes()).isGreaterThanOrEqualTo(stats.memoryBytes());
    assertThat(stats.pids()).isPositive();
  }

  @Test
  void stats_ofACreatedSandbox_isNotRunning() {
    String id = create("sleep", "600").id();

    assertFails(ErrorCode.SANDBOX_NOT_RUNNING, () -> runtime().stats(id));
  }

  @Test
  void describe_hidesSecretsOfTheEnvironment() {
    SandboxSpec plain = spec("sleep", "600");
    create(
        new SandboxSpec(
            plain.id(),
            plain.entrypoint(),
            Map.of("API_TOKEN", "s3cr3t", "COLOUR", "blue", "EMPTY", ""),
            plain.limits(),
            List.of(),
            plain.labels(),
            Optional.empty()));

    String text = runtime().describe(plain.id());

    assertThat(text).contains("API_TOKEN=***", "COLOUR=blue", "EMPTY=").doesNotContain("s3cr3t");
  }

  @Test
  void updateLimits_ofARunningSandbox_isAccepted() {
    assumeFeature(Capabilities.Feature.RESOURCE_LIMITS);
    String id = createAndStart("sleep", "600").id();
    ResourceLimits limits = SingleLimit.cpu(500_000_000);

    assertThatCode(() -> runtime().updateLimits(id, limits)).doesNotThrowAnyException();
  }

  @Test
  void namedVolume_thatIsMissing_isAskedFor() {
    assumeFeature(Capabilities.Feature.NAMED_VOLUMES);
    SandboxSpec spec = withVolume(spec("sleep", "600"), "tck-" + UUID.randomUUID(), false, false);

    assertFails(ErrorCode.VOLUME_PVC_NOT_FOUND, () -> runtime().check(spec));
    assertFails(ErrorCode.VOLUME_PVC_NOT_FOUND, () -> create(spec));

    assertThat(runtime().find(spec.id())).isEmpty();
  }

  @Test
  void namedVolume_madeForASandbox_goesWithIt() {
    assumeFeature(Capabilities.Feature.NAMED_VOLUMES);
    String volume = "tck-" + UUID.randomUUID();
    SandboxSpec owner = withVolume(spec("sleep", "600"), volume, true, true);
    SandboxSpec guest = withVolume(spec("sleep", "600"), volume, false, true);
    create(owner);
    create(guest);

    runtime().remove(guest.id(), Duration.ZERO);
    SandboxSpec second = withVolume(spec("sleep", "600"), volume, false, false);
    create(second);
    runtime().remove(second.id(), Duration.ZERO);
    runtime().remove(owner.id(), Duration.ZERO);

    assertFails(
        ErrorCode.VOLUME_PVC_NOT_FOUND,
        () -> create(withVolume(spec("sleep", "600"), volume, false, false)));
  }

  @Test
  void events_tellOfStartAndEnd() throws InterruptedException {
    BlockingQueue<RuntimeEvent> events = new LinkedBlockingQueue<>();
    try (SandboxRuntime.Subscription _ = runtime().subscribe(events::add)) {
      String id = createAndStart("sleep", "600").id();
      awaitEvent(events, id);
      events.clear();

      runtime().remove(id, Duration.ZERO);

      awaitEvent(events, id);
    }
  }

  @Test
  void sweep_leavesLiveSandboxesAlone() {
    String created = create("sleep", "600").id();
    String running = createAndStart("sleep", "600").id();

    runtime().sweep();

    assertThat(runtime().find(created)).isPresent();
    assertThat(runtime().find(running))
        .map(RuntimeSandbox::state)
        .contains(RuntimeSandbox.State.RUNNING);
  }

  private String snapshot(String id) {
    String reference = runtime().snapshot(id, UUID.randomUUID().toString());
    snapshots.add(reference);
    return reference;
  }

  private static SandboxSpec withVolume(
      SandboxSpec spec, String volume, boolean createIfMissing, boolean deleteWithSandbox) {
    return new SandboxSpec(
        spec.id(),
        spec.entrypoint(),
        spec.env(),
        spec.limits(),
        List.of(
            new VolumeMount.Named(
                "data",
                "/data",
                false,
                Optional.empty(),
                volume,
                createIfMissing,
                deleteWithSandbox)),
        spec.labels(),
        spec.platform());
  }

  private static void awaitEvent(BlockingQueue<RuntimeEvent> events, String id)
      throws InterruptedException {
    RuntimeEvent wanted = new RuntimeEvent.Changed(id);
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() < deadline) {
      if (wanted.equals(events.poll(100, TimeUnit.MILLISECONDS))) {
        return;
      }
    }
    fail("no event for %s within %s", id, PATIENCE);
  }

  private static <T> List<T> inParallel(int times, Callable<T> work)
      throws InterruptedException, ExecutionException {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<T>> futures = new ArrayList<>();
      for (int i = 0; i < times; i++) {
        futures.add(threads.submit(work));
      }
      List<T> results = new ArrayList<>();
      for (Future<T> future : futures) {
        results.add(future.get());
      }
      return results;
    }
  }
}
