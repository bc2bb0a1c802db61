package io.opensandbox.runtime.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Capabilities;
import io.opensandbox.runtime.ForkPoint;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.RuntimeEvent;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.SandboxSpec;
import io.opensandbox.runtime.SingleLimit;
import io.opensandbox.runtime.VolumeMount;
import io.opensandbox.runtime.local.engine.Engine;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What the local runtime does beyond the common suite.
class BehaviourIT {
  private static Path shared;
  private static TestRuntime test;

  @BeforeAll
  static void open() throws IOException {
    shared = Files.createTempDirectory("osl-shared-");
    test = TestRuntime.open(config -> TestRuntime.withHostPaths(config, List.of(shared)));
  }

  @AfterAll
  static void close() {
    if (test != null) {
      test.close();
    }
    TestRuntime.RUNNER.text("rm", "-rf", "--", shared.toString());
  }

  @Test
  void diskQuota_stopsWritesOfThatSandboxOnly() {
    assumeTrue(
        test.runtime().capabilities().has(Capabilities.Feature.DISK_QUOTA),
        "this host has no btrfs or no loop devices");
    ResourceLimits limits = SingleLimit.disk(20L << 20);
    String script =
        "head -c %d /dev/urandom >/root/f && sync && echo wrote || echo refused; sleep 600";
    String full = test.start(test.host(), limits, "sh", "-c", script.formatted(60 << 20));
    String other = test.start(test.host(), limits, "sh", "-c", script.formatted(5 << 20));

    test.await(() -> test.logOf(full).contains("refused"));
    test.await(() -> test.logOf(other).contains("wrote"));

    assertThat(test.logOf(full)).contains("Disk quota exceeded");
    assertThat(test.runtime().describe(full)).contains("Disk: 20 MiB");
    test.runtime().remove(full, Duration.ZERO);
    test.runtime().remove(other, Duration.ZERO);
  }

  @Test
  void volumeBomb_endsAtTheVolumesLimit_andGoesWithTheSandbox() {
    try (TestRuntime small =
        TestRuntime.open(config -> TestRuntime.withSandboxDisk(config, 20L << 20))) {
      assumeTrue(
          small.runtime().capabilities().has(Capabilities.Feature.DISK_QUOTA),
          "this host has no btrfs or no loop devices");
      VolumeMount volume =
          new VolumeMount.Named("v", "/vol", false, Optional.empty(), "osl-bomb", true, true);
      String id =
          small.start(
              small.host(),
              ResourceLimits.NONE,
              List.of(volume),
              "sh",
              "-c",
              "head -c 60m /dev/urandom >/vol/f && sync && echo wrote || echo refused");

      small.awaitEnd(id);

      assertThat(small.logOf(id)).contains("Disk quota exceeded", "refused");
      small.runtime().remove(id, Duration.ZERO);
      small.await(() -> {
        try (var volumes = Files.list(small.root().resolve("volumes"));
            var trash = Files.list(small.root().resolve("trash"))) {
          return volumes.findAny().isEmpty() && trash.findAny().isEmpty();
        }
      });
    }
  }

  @Test
  void withoutAFileSystemOfItsOwn_thereAreNoQuotasAndItSaysSo() {
    assumeFalse(TestRuntime.isRootless(), "an ordinary user never has one");
    try (TestRuntime plain = TestRuntime.open(TestRuntime::withoutDisk)) {
      ResourceLimits limits = SingleLimit.disk(20L << 20);

      assertThat(plain.runtime().capabilities().has(Capabilities.Feature.DISK_QUOTA)).isFalse();
      assertThatThrownBy(() -> plain.start(plain.host(), limits, "true"))
          .isInstanceOfSatisfying(
              SandboxException.class,
              failure -> assertThat(failure.code()).isEqualTo(ErrorCode.INVALID_PARAMETER))
          .hasMessageContaining("disk_max_bytes is 0");
      assertThat(plain.outputOf(plain.host(), "echo", "runs")).isEqualTo("runs\n");
    }
  }

  @Test
  void sweeping_whileSandboxesAreMade_takesNothingFromThem() throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> sweeper =
          threads.submit(() -> {
            while (!done.get()) {
              test.runtime().sweep();
            }
          });
      try {
        for (int i = 0; i < 15; i++) {
          String id = test.start(test.host(), ResourceLimits.NONE, "sleep", "600");
          assertThat(test.runtime().find(id).orElseThrow().state())
              .isEqualTo(RuntimeSandbox.State.RUNNING);
          test.runtime().remove(id, Duration.ZERO);
        }
      } finally {
        done.set(true);
      }
      sweeper.get(60, TimeUnit.SECONDS);
    }
  }

  @Test
  void pidsLimit_holds() {
    test.assumeLimits();
    ResourceLimits limits = SingleLimit.pids(20);
    String id =
        test.start(test.host(), limits, "bash", "-c", "for i in $(seq 40); do sleep 600 & done");

    test.await(() -> test.logOf(id).contains("Resource temporarily unavailable"));

    test.runtime().remove(id, Duration.ZERO);
  }

  @Test
  void cpuLimit_isSet() throws IOException {
    test.assumeLimits();
    ResourceLimits limits = SingleLimit.cpu(500_000_000);
    String id = test.start(test.host(), limits, "sleep", "60");

    assertThat(cpuQuota(id)).isEqualTo("50000");

    test.runtime().updateLimits(id, SingleLimit.cpu(2_000_000_000L));
    assertThat(cpuQuota(id)).isEqualTo("200000");
  }

  /// Whatever the machine has of cgroups: on one with both versions the limits of memory and
  /// processes are those of [LocalBombIT] and [#pidsLimit_holds].
  @Test
  void cpuLimit_holds() {
    test.assumeLimits();
    String half = "import time; began = time.monotonic()\nwhile time.process_time() < 0.5: pass\n";
    String id =
        test.start(
            test.host(),
            SingleLimit.cpu(200_000_000),
            "python3",
            "-c",
            half + "print(time.monotonic() - began)");

    test.awaitEnd(id);

    assertThat(Double.parseDouble(test.logOf(id).strip()))
        .as("seconds for half a second of work with a fifth of a processor")
        .isGreaterThan(2);
  }

  private static String cpuQuota(String id) throws IOException {
    String found =
        TestRuntime.RUNNER.text(
            "sh",
            "-c",
            "cat /sys/fs/cgroup/cpu*/osl*/"
                + id
                + "/cpu.cfs_quota_us"
                + " /sys/fs/cgroup/osl*/"
                + id
                + "/cpu.max 2>/dev/null | head -n 1 | cut -d' ' -f1"
                + "; true");
    return found.strip();
  }

  @Test
  void paused_nothingRuns() throws Exception {
    Path counter = Files.createTempFile(shared, "count", "");
    String id =
        test.start(
            test.host(),
            ResourceLimits.NONE,
            List.of(hostVolume("/shared", false)),
            "bash",
            "-c",
            "while :; do echo x >> /shared/" + counter.getFileName() + "; sleep 0.01; done");
    test.await(() -> Files.size(counter) > 10);

    test.runtime().pause(id);
    long before = Files.size(counter);
    TestRuntime.RUNNER.text("sleep", "0.2");

    assertThat(Files.size(counter)).isEqualTo(before);
    test.runtime().resume(id);
    test.await(() -> Files.size(counter) > before + 5);
  }

  @Test
  void pause_isSeenInTheSandbox_onlyWhereNoFreezerIsOffered() {
    String id =
        test.start(
            test.host(),
            ResourceLimits.NONE,
            "bash",
            "-c",
            "trap 'echo continued' CONT; while :; do echo round; sleep 0.02; done");
    test.await(() -> test.logOf(id).contains("round"));

    test.runtime().pause(id);
    test.runtime().resume(id);

    int rounds = rounds(id);
    test.await(() -> rounds(id) > rounds + 2); // a trap is run between two of them
    boolean freezer = test.runtime().capabilities().has(Capabilities.Feature.FREEZER);
    assertThat(test.logOf(id).contains("continued")).isEqualTo(!freezer);
    test.runtime().remove(id, Duration.ZERO);
  }

  private static int rounds(String id) {
    return (int) test.logOf(id).lines().filter("round"::equals).count();
  }

  @Test
  void snapshot_holdsTheFilesAndTheEnvironment() throws Exception {
    assumeFalse(TestRuntime.isRootless(), "an ordinary user cannot change the image's /usr");
    String source =
        test.start(
            test.host(),
            ResourceLimits.NONE,
            "sh",
            "-c",
            "echo written >/root/file; rm /usr/share/common-licenses/GPL-3; mkdir /usr/osl-made;"
                + " echo ready; sleep 60");
    test.await(() -> test.logOf(source).contains("ready"));

    String reference = test.runtime().snapshot(source, UUID.randomUUID().toString());
    test.runtime().remove(source, Duration.ZERO);
    PreparedImage image = test.runtime().prepareImage(ImageRequest.of(reference), _ -> {});

    assertThat(
            test.outputOf(
                image,
                "sh",
                "-c",
                "cat /root/file; ls /usr/share/common-licenses/GPL-3; ls -d /usr/osl-made"))
        .contains("written\n", "cannot access", "/usr/osl-made\n");
    test.runtime().removeSnapshot(reference);
    assertThat(test.outputOf(test.host(), "echo", "the image stays"))
        .isEqualTo("the image stays\n");
    assertThat(Files.exists(Path.of("/usr/share/common-licenses/GPL-3"))).isTrue();
    assertThat(Files.exists(Path.of("/usr/osl-made"))).isFalse();
  }

  @Test
  void fork_givesCopiesOfTheFiles_eachWithItsOwn() throws Exception {
    test.assumeLimits();
    Path volume = Files.createDirectory(shared.resolve("forked"));
    Files.createFile(volume.resolve("names"));
    String source =
        test.start(
            test.host(),
            SingleLimit.memory(128L << 20),
            List.of(new VolumeMount.Host("v", "/v", false, Optional.empty(), volume.toString())),
            "sh",
            "-c",
            "[ -e /root/f ] || echo source >/root/f; cat /root/f; hostname >>/v/names;"
                + " hostname >/root/n; mv /root/n /root/f; sleep 600");
    String name = Engine.hostname(source);
    test.await(() -> test.logOf(source).equals("source\n"));
    test.await(() -> Files.readString(volume.resolve("names")).contains(name));
    List<String> copies = List.of(newId(), newId(), newId());

    try (ForkPoint point = test.runtime().fork(source)) {
      for (String copy : copies) {
        point.copy(copy, Map.of(Labels.ID, copy));
        test.runtime().start(copy);
      }
    }

    for (String copy : copies) {
      test.await(() -> !test.logOf(copy).isEmpty());
      assertThat(test.logOf(copy)).isIn("source\n", name + "\n");
      test.await(() -> Files.readString(volume.resolve("names")).contains(Engine.hostname(copy)));
      assertThat(test.runtime().stats(copy).memoryLimitBytes()).isEqualTo(128L << 20);
    }
    copies.forEach(copy -> test.runtime().remove(copy, Duration.ZERO));
    test.await(() -> test.layers("fork-").isEmpty());
  }

  /// A v1 freezer that meets a process in vfork(2) needs to be told twice.
  @Test
  void pause_ofProgramsThatKeepStartingPrograms_settles() {
    String id =
        test.start(test.host(), ResourceLimits.NONE, "sh", "-c", "while :; do /bin/true; done");

    for (int i = 0; i < 100; i++) {
      test.runtime().pause(id);
      test.runtime().resume(id);
    }

    assertThat(state(id)).isEqualTo(RuntimeSandbox.State.RUNNING);
    test.runtime().remove(id, Duration.ZERO);
  }

  @Test
  void fork_thatNobodyCopies_leavesNothing() {
    String source =
        test.start(test.host(), ResourceLimits.NONE, "sh", "-c", "echo x >/root/f; sleep 600");

    test.runtime().fork(source).close();

    test.await(() -> test.layers("fork-").isEmpty());
    test.runtime().remove(source, Duration.ZERO);
  }

  private static String newId() {
    return UUID.randomUUID().toString();
  }

  @Test
  void endpoints_reachTheSandbox() throws Exception {
    String id =
        test.start(
            test.host(),
            ResourceLimits.NONE,
            "sh",
            "-c",
            "while :; do echo hello | busybox nc -l -p 8080; done");

    String inner = test.runtime().internalAddress(id, 8080).authority();
    String outer = test.runtime().publicAddress(id, 8080).authority();

    test.await(() -> read(inner).equals("hello\n"));
    test.await(() -> read(outer).equals("hello\n"));
    assertThat(test.runtime().publicAddress(id, 3000).path()).isEqualTo("/proxy/3000");
  }

  private static String read(String authority) {
    int colon = authority.lastIndexOf(':');
    try (Socket socket =
        new Socket(
            authority.substring(0, colon), Integer.parseInt(authority.substring(colon + 1)))) {
      socket.setSoTimeout(10_000); // asked again when nobody answers
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "";
    }
  }

  @Test
  void restart_adoptsWhatRuns() throws Exception {
    String running = test.start(test.host(), ResourceLimits.NONE, "sleep", "300");
    String paused = test.start(test.host(), ResourceLimits.NONE, "sleep", "300");
    String ended = test.start(test.host(), ResourceLimits.NONE, "sh", "-c", "echo bye; exit 4");
    String ends = test.start(test.host(), ResourceLimits.NONE, "sh", "-c", "sleep 2; exit 5");
    test.runtime().pause(paused);
    test.awaitEnd(ended);
    String address = test.runtime().publicAddress(running, 44772).authority();

    test.restart();

    assertThat(state(running)).isEqualTo(RuntimeSandbox.State.RUNNING);
    assertThat(state(paused)).isEqualTo(RuntimeSandbox.State.PAUSED);
    assertThat(test.runtime().find(ended).orElseThrow().exitCode()).isEqualTo(OptionalInt.of(4));
    assertThat(test.logOf(ended)).isEqualTo("bye\n");
    assertThat(test.runtime().publicAddress(running, 44772).authority()).isEqualTo(address);
    test.runtime().resume(paused);
    assertThat(state(paused)).isEqualTo(RuntimeSandbox.State.RUNNING);
    assertThat(test.awaitEnd(ends).exitCode()).isEqualTo(OptionalInt.of(5));
  }

  /// The kernel's table of mounts has numbers in the place of some characters.
  @Test
  void restart_inADirectoryWithASpace_adoptsWhatRuns() {
    try (TestRuntime odd =
        TestRuntime.open(config ->
            TestRuntime.withDataDirectory(
                config, config.dataDirectory().resolveSibling("my data, all")))) {
      String ends = odd.start(odd.host(), ResourceLimits.NONE, "sh", "-c", "sleep 2; exit 5");
      String stays = odd.start(odd.host(), ResourceLimits.NONE, "sleep", "300");

      odd.restart();

      assertThat(odd.awaitEnd(ends).exitCode()).isEqualTo(OptionalInt.of(5));
      assertThat(odd.runtime().find(stays).orElseThrow().state())
          .isEqualTo(RuntimeSandbox.State.RUNNING);
    }
  }

  /// Nothing else than events makes these tests look again.
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void killedWithTheOneThatNotes_isTold(boolean restarted) throws Exception {
    String id = test.start(test.host(), ResourceLimits.NONE, "sleep", "600");
    if (restarted) {
      test.restart();
    }
    BlockingQueue<RuntimeEvent> events = new LinkedBlockingQueue<>();
    try (SandboxRuntime.Subscription _ = test.runtime().subscribe(events::add)) {
      ProcessHandle first = firstOf(id);

      first.parent().orElseThrow().destroyForcibly();
      first.destroyForcibly();

      assertThat(awaitEndTold(test, id, events).error()).contains("without an exit status");
    }
    test.runtime().remove(id, Duration.ZERO);
  }

  @Test
  void killedLongAfterTheOneThatNotes_isTold() throws Exception {
    String id = test.start(test.host(), ResourceLimits.NONE, "sleep", "600");
    BlockingQueue<RuntimeEvent> events = new LinkedBlockingQueue<>();
    try (SandboxRuntime.Subscription _ = test.runtime().subscribe(events::add)) {
      ProcessHandle first = firstOf(id);
      long noter = first.parent().orElseThrow().pid();
      first.parent().orElseThrow().destroyForcibly();
      test.await(() ->
          first.parent().map(ProcessHandle::pid).stream().noneMatch(parent -> parent == noter));
      assertThat(state(id)).isEqualTo(RuntimeSandbox.State.RUNNING);

      first.destroyForcibly();

      assertThat(awaitEndTold(test, id, events).exitCode()).isEqualTo(OptionalInt.of(137));
    }
    test.runtime().remove(id, Duration.ZERO);
  }

  /// What the kernel counts per user a sandbox can use up for all of that user's.
  @ParameterizedTest
  @ValueSource(strings = {"max_inotify_instances", "max_inotify_watches"})
  void endsAreTold_whenNoFileCanBeWatchedAnyMore(String limit) throws Exception {
    assumeTrue(TestRuntime.isRootless(), "root would take them from everybody else");
    Path file = Path.of("/proc/sys/user", limit);
    // Not Files, which asks twice and gets the first digit.
    String before = TestRuntime.RUNNER.text("cat", file.toString());
    BlockingQueue<RuntimeEvent> events = new LinkedBlockingQueue<>();
    Files.writeString(file, "0");
    try (TestRuntime starved = TestRuntime.open();
        SandboxRuntime.Subscription _ = starved.runtime().subscribe(events::add)) {
      String ends = starved.start(starved.host(), ResourceLimits.NONE, "sh", "-c", "exit 5");
      assertThat(awaitEndTold(starved, ends, events).exitCode()).isEqualTo(OptionalInt.of(5));

      String later =
          starved.start(starved.host(), ResourceLimits.NONE, "sh", "-c", "sleep 1; exit 6");
      assertThat(awaitEndTold(starved, later, events).exitCode()).isEqualTo(OptionalInt.of(6));
    } finally {
      Files.writeString(file, before);
    }
  }

  private static RuntimeSandbox awaitEndTold(
      TestRuntime of, String id, BlockingQueue<RuntimeEvent> events) throws InterruptedException {
    RuntimeSandbox now;
    do {
      assertThat(events.poll(60, TimeUnit.SECONDS)).as("an event").isNotNull();
      now = of.runtime().find(id).orElseThrow();
    } while (now.state() != RuntimeSandbox.State.EXITED);
    return now;
  }

  private static ProcessHandle firstOf(String id) throws IOException {
    Path status = test.directory().resolve("data/notes").resolve(id).resolve("status");
    Matcher pid = Pattern.compile("\"child-pid\": *([0-9]+)").matcher(Files.readString(status));
    assertThat(pid.find()).isTrue();
    return ProcessHandle.of(Long.parseLong(pid.group(1))).orElseThrow();
  }

  private static RuntimeSandbox.State state(String id) {
    return test.runtime().find(id).orElseThrow().state();
  }

  @Test
  void dataDirectory_hasOneServer() {
    assertThatThrownBy(test::openAnother)
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure -> assertThat(failure.code()).isEqualTo(ErrorCode.RUNTIME_UNAVAILABLE));
  }

  @Test
  void hostVolume_readOnly_refusesWrites() throws Exception {
    Files.writeString(shared.resolve("given"), "given\n");

    String id =
        test.start(
            test.host(),
            ResourceLimits.NONE,
            List.of(hostVolume("/data/in", true)),
            "sh",
            "-c",
            "cat /data/in/given; echo x >/data/in/new");
    test.awaitEnd(id);

    assertThat(test.logOf(id)).contains("given\n", "Read-only file system");
    assertThat(Files.exists(shared.resolve("new"))).isFalse();
  }

  @Test
  void hostVolume_throughALink_isRefused() throws Exception {
    Path link = shared.resolve("link-" + UUID.randomUUID());
    Files.createSymbolicLink(link, Path.of("/etc"));
    VolumeMount volume = new VolumeMount.Host("v", "/v", true, Optional.empty(), link.toString());

    assertThatThrownBy(() -> test.start(test.host(), ResourceLimits.NONE, List.of(volume), "true"))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure ->
                assertThat(failure.code()).isEqualTo(ErrorCode.VOLUME_HOST_PATH_NOT_ALLOWED));
  }

  @Test
  void hostVolume_newBehindALink_isRefusedBeforeItIsMade() throws Exception {
    Path outside = Files.createTempDirectory("osl-outside-");
    Path link = shared.resolve("way-" + UUID.randomUUID());
    Files.createSymbolicLink(link, outside);
    VolumeMount volume =
        new VolumeMount.Host("v", "/v", false, Optional.of("new"), link.toString());

    assertThatThrownBy(() -> test.start(test.host(), ResourceLimits.NONE, List.of(volume), "true"))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure ->
                assertThat(failure.code()).isEqualTo(ErrorCode.VOLUME_HOST_PATH_NOT_ALLOWED));

    assertThat(outside).isEmptyDirectory();
    Files.delete(outside);
  }

  @Test
  void volumeBehindEndlessLinks_isRefused() {
    String source =
        test.start(
            test.host(), ResourceLimits.NONE, "sh", "-c", "ln -s a /b; ln -s b /a; echo ready");
    test.awaitEnd(source);
    String reference = test.runtime().snapshot(source, UUID.randomUUID().toString());
    PreparedImage image = test.runtime().prepareImage(ImageRequest.of(reference), _ -> {});

    assertThatThrownBy(() ->
            test.start(image, ResourceLimits.NONE, List.of(hostVolume("/a/volume", false)), "true"))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure -> assertThat(failure.code()).isEqualTo(ErrorCode.START_FAILED))
        .hasMessageContaining("too many links in \"/a/volume\"");
  }

  @Test
  void term_reachesTheEntrypoint() {
    String id =
        test.start(
            test.host(),
            ResourceLimits.NONE,
            List.of(hostVolume("/shared", false)),
            "bash",
            "-c",
            "trap 'echo ended >/shared/term; exit 0' TERM; echo up; sleep 60 & wait");
    test.await(() -> test.logOf(id).contains("up"));

    test.runtime().remove(id, Duration.ofSeconds(60));

    assertThat(Files.exists(shared.resolve("term"))).isTrue();
  }

  @Test
  void logs_areBounded() {
    String id =
        test.start(
            test.host(),
            ResourceLimits.NONE,
            "sh",
            "-c",
            "yes 0123456789 | head -c 60m; echo; echo end");
    test.awaitEnd(id);

    assertThat(test.logOf(id, 1)).isEqualTo("end\n");
    String size =
        TestRuntime.RUNNER.text(
            "du", "-sk", test.root().resolve("sandboxes/" + id + "/log").toString());
    assertThat(Integer.parseInt(size.split("\\s", 2)[0])).isLessThan(18 << 10);
  }

  /// What consists of digits alone counts as an address, and is never looked up.
  @Test
  void names_areNeverNumbers() {
    String id = "02148360-1701-4abc-8def-0123456789ab";

    test.runtime()
        .create(
            new SandboxSpec(
                id,
                List.of("sh", "-c", "getent hosts $HOSTNAME; hostname"),
                Map.of(),
                ResourceLimits.NONE,
                List.of(),
                Map.of(Labels.ID, id),
                Optional.empty()),
            test.host());
    test.runtime().start(id);
    test.awaitEnd(id);

    assertThat(test.logOf(id)).matches("(10|127)\\.\\S+ +a21483601701\na21483601701\n");
  }

  @Test
  void names_areResolvable() {
    assertThat(test.outputOf(test.host(), "sh", "-c", "getent hosts $HOSTNAME; hostname"))
        .matches("(10|127)\\.\\S+ +[0-9a-f]{12}\n[0-9a-f]{12}\n");
  }

  private static VolumeMount hostVolume(String target, boolean readOnly) {
    return new VolumeMount.Host("shared", target, readOnly, Optional.empty(), shared.toString());
  }
}
