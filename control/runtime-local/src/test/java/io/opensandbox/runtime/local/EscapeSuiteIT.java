package io.opensandbox.runtime.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.ForkPoint;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.SandboxSpec;
import io.opensandbox.runtime.SingleLimit;
import io.opensandbox.runtime.VolumeMount;
import io.opensandbox.runtime.escape.Attempt;
import io.opensandbox.runtime.escape.OutsideService;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Ways out of a sandbox that need more than one sandbox, or the host's side, to be tried: the
/// network, bombs, volumes, snapshots. The others are in [LocalEscapeIT].
class EscapeSuiteIT {
  private static final String UNREACHABLE = "unreachable\n";

  private static TestRuntime test;
  private static OutsideService outside;
  private static ServerSocket onHost;
  private static String neighbour;

  @BeforeAll
  static void open() throws IOException {
    outside = OutsideService.open();
    test = TestRuntime.open();
    onHost = new ServerSocket(0);
    neighbour =
        test.start(
            test.host(),
            ResourceLimits.NONE,
            "sh",
            "-c",
            "while :; do echo neighbour | busybox nc -l -p 8080; done");
  }

  @AfterAll
  static void close() throws IOException {
    if (onHost != null) {
      onHost.close();
    }
    if (test != null) {
      test.close();
    }
    if (outside != null) {
      outside.close();
    }
  }

  private static Attempt shell(String name, String script, String outcome) {
    return new Attempt(name, script, outcome);
  }

  /// Prints what answers at an address, or that nothing does.
  private static Attempt connect(String name, String host, int port) {
    return shell(
        name,
        "timeout 2 bash -c 'exec 3<>/dev/tcp/%s/%d && echo connected' 2>/dev/null || echo unreachable"
            .formatted(host, port),
        UNREACHABLE);
  }

  static Stream<Attempt> connections() {
    String gateway = gatewayOf(addressOf(neighbour));
    return Stream.of(
        connect("the host's loopback", "127.0.0.1", onHost.getLocalPort()),
        connect(
            "the host by its side of the cable",
            "$(ip route | sed -n \"s/default via \\([0-9.]*\\).*/\\1/p\")",
            onHost.getLocalPort()),
        connect("the host by another cable", gateway, onHost.getLocalPort()),
        connect("the host by its public address", publicAddress(), onHost.getLocalPort()),
        connect("the cloud's metadata", "169.254.169.254", 80),
        connect("another sandbox", addressOf(neighbour), 8080),
        connect("another sandbox by the host's port", "127.0.0.1", publishedPort(neighbour)),
        connect(
            "another sandbox by the published port", publicAddress(), publishedPort(neighbour)));
  }

  @ParameterizedTest
  @MethodSource("connections")
  void connection_fails(Attempt attempt) {
    String output = test.outputOf(test.host(), "bash", "-c", attempt.script());

    assertThat(output).as(attempt.name()).matches(attempt.outcome());
  }

  /// Else the others would prove nothing. Whoever is outside sees the host's address.
  @Test
  void outside_isReached_throughTheHost() {
    String address = outsideAddress();

    assertThat(
            test.outputOf(
                test.host(), "bash", "-c", "cat </dev/tcp/" + address + "/" + OutsideService.PORT))
        .isEqualTo(gatewayOf(address) + "\n");
  }

  @Test
  void names_areAskedForOutside() {
    String address = outsideAddress();

    assertThat(
            test.outputOf(
                test.host(),
                "bash",
                "-c",
                "echo nameserver "
                    + address
                    + " >/etc/resolv.conf; getent ahostsv4 somewhere.test | head -n 1"))
        .matches(address + "\\s+STREAM\\s+somewhere.test\n");
  }

  private static String outsideAddress() {
    Optional<String> address = outside.address();
    assumeTrue(address.isPresent(), "only root can make something outside");
    return address.orElseThrow();
  }

  @Test
  void neighbour_isThere_forItsOwnServer() {
    String[] address = test.runtime().internalAddress(neighbour, 8080).authority().split(":", -1);
    var ask =
        io.opensandbox.runtime.local.process.Runner.Command.of(
            "busybox", "nc", address[0], address[1]);

    test.await(() -> TestRuntime.RUNNER.run(ask).stdout().equals("neighbour\n"));
  }

  private static String addressOf(String id) {
    return test.runtime().internalAddress(id, 8080).authority().replaceFirst(":.*", "");
  }

  /// The other address of its cable.
  private static String gatewayOf(String address) {
    int dot = address.lastIndexOf('.');
    return address.substring(0, dot + 1) + (Integer.parseInt(address.substring(dot + 1)) - 1);
  }

  private static int publishedPort(String id) {
    String authority = test.runtime().publicAddress(id, 8080).authority();
    return Integer.parseInt(authority.substring(authority.indexOf(':') + 1));
  }

  static String publicAddress() {
    return TestRuntime.RUNNER
        .text(
            "sh",
            "-c",
            "ip -4 -o addr show scope global | awk '{print $4}' | cut -d/ -f1 | head -1")
        .strip();
  }

  @Test
  void memoryBomb_inSharedMemory_countsAsTheSandboxes() {
    test.assumeLimits();
    ResourceLimits limits = SingleLimit.memory(64L << 20);
    String id =
        test.start(test.host(), limits, "bash", "-c", "exec dd if=/dev/zero of=/dev/shm/x bs=1M");

    assertThat(test.awaitEnd(id).outOfMemory()).isTrue();
  }

  @Test
  void volume_withALinkAsSubPath_isRefused() {
    String volume = "osl-" + UUID.randomUUID();
    String first =
        test.start(
            test.host(),
            ResourceLimits.NONE,
            List.of(named(volume, Optional.empty())),
            "ln",
            "-s",
            "/etc",
            "/vol/way-out");
    test.awaitEnd(first);

    assertThatThrownBy(() ->
            test.start(
                test.host(),
                ResourceLimits.NONE,
                List.of(named(volume, Optional.of("way-out"))),
                "true"))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure -> assertThat(failure.code()).isEqualTo(ErrorCode.VOLUME_INVALID_SUB_PATH));
  }

  @Test
  void volume_overExecd_isRefused() {
    VolumeMount volume =
        new VolumeMount.Named(
            "v", "/opt/opensandbox", false, Optional.empty(), "osl-over", true, true);

    assertThatThrownBy(() -> test.start(test.host(), ResourceLimits.NONE, List.of(volume), "true"))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure -> assertThat(failure.code()).isEqualTo(ErrorCode.VOLUME_INVALID_MOUNT_PATH));
  }

  private static VolumeMount named(String name, Optional<String> subPath) {
    return new VolumeMount.Named("v", "/vol", false, subPath, name, true, true);
  }

  @Test
  void snapshot_withLinksAsMountPoints_touchesNothingOutside() throws IOException {
    Path trap = Files.createTempDirectory("osl-trap-");
    String source =
        test.start(
            test.host(),
            ResourceLimits.NONE,
            "bash",
            "-c",
            "mv /mnt /mnt.old; ln -s /oldroot"
                + trap
                + " /mnt; ln -s "
                + trap
                + " /srv/link; echo done; sleep 600");
    test.await(() -> test.logOf(source).contains("done"));
    String reference = test.runtime().snapshot(source, UUID.randomUUID().toString());

    String id = UUID.randomUUID().toString();
    test.start(
        test.runtime().prepareImage(io.opensandbox.runtime.ImageRequest.of(reference), _ -> {}),
        ResourceLimits.NONE,
        List.of(
            new VolumeMount.Named(
                "a", "/mnt/made", false, Optional.empty(), "osl-a-" + id, true, true),
            new VolumeMount.Named(
                "b", "/srv/link/made", false, Optional.empty(), "osl-b-" + id, true, true)),
        "true");

    try (var entries = Files.list(trap)) {
      assertThat(entries).isEmpty();
    }
    Files.delete(trap);
  }

  /// What is mounted was looked at when the sandbox was made; whoever else has the volume may put a
  /// link in its place until it starts.
  @Test
  void volume_whoseSubPathBecomesALink_isNotMounted() throws IOException {
    String volume = "osl-" + UUID.randomUUID();
    String id = create(named(volume, Optional.of("inner/most")), "ls", "/vol");
    Path inner = test.root().resolve("volumes").resolve(volume).resolve("_data/inner");
    Path outside = Files.createTempDirectory("osl-outside-");
    Files.createDirectory(outside.resolve("most"));
    Files.delete(inner.resolve("most"));
    Files.delete(inner);
    Files.createSymbolicLink(inner, outside);

    assertThatThrownBy(() -> test.runtime().start(id))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure -> assertThat(failure.code()).isEqualTo(ErrorCode.START_FAILED))
        .hasMessageContaining("cannot open " + inner.resolve("most") + ": Symbolic link loop");

    test.runtime().remove(id, Duration.ZERO);
    TestRuntime.RUNNER.text("rm", "-r", outside.toString());
  }

  private static String create(VolumeMount volume, String... command) {
    String id = UUID.randomUUID().toString();
    test.runtime()
        .create(
            new SandboxSpec(
                id,
                List.of(command),
                Map.of(),
                ResourceLimits.NONE,
                List.of(volume),
                Map.of(Labels.ID, id),
                Optional.empty()),
            test.host());
    return id;
  }

  @Test
  void fork_withLinksAsMountPoints_touchesNothingOutside() throws IOException {
    Path trap = Files.createTempDirectory("osl-trap-");
    String inside = "/oldroot" + trap;
    String source =
        test.start(
            test.host(),
            ResourceLimits.NONE,
            List.of(
                new VolumeMount.Named(
                    "v",
                    "/vol/made",
                    false,
                    Optional.empty(),
                    "osl-" + trap.getFileName(),
                    true,
                    true)),
            "bash",
            "-c",
            "touch /vol/made/here; [ -L /vol ] || { mkdir -p "
                + inside
                + "/made; mv /vol /old; ln -s "
                + inside
                + " /vol; }; ls /vol/made; echo done; sleep 600");
    test.await(() -> test.logOf(source).contains("done"));
    String copy = UUID.randomUUID().toString();

    try (ForkPoint point = test.runtime().fork(source)) {
      point.copy(copy, Map.of(Labels.ID, copy));
      test.runtime().start(copy);
    }

    test.await(() -> test.logOf(copy).contains("done"));
    try (var entries = Files.list(trap)) {
      assertThat(entries).isEmpty();
    }
    assertThat(test.logOf(copy)).isEqualTo("here\ndone\n");
    Files.delete(trap);
  }
}
