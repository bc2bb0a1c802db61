package io.opensandbox.runtime.docker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.PortAddress;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.SandboxSpec;
import io.opensandbox.runtime.SingleLimit;
import io.opensandbox.runtime.VolumeMount;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Containers look as the contract says (docker-runtime sections 3, 7 to 11, 13 and 26).
final class SandboxCreationIT extends DockerFixture {
  private static final ResourceLimits SMALL =
      new ResourceLimits(
          OptionalLong.of(500_000_000),
          OptionalLong.of(134_217_728),
          OptionalLong.empty(),
          OptionalInt.empty());

  @TempDir Path folder;

  @Test
  void containerIsConfiguredAsTheContractSays() {
    DockerRuntime runtime = open(TestImages.EXECD);
    SandboxSpec spec = spec(Map.of("A", "1", "EMPTY", ""), SMALL, List.of(), "sleep", "600");

    runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));
    runtime.start(spec.id());

    JsonNode made = inspect(spec);
    JsonNode config = made.path("Config");
    JsonNode host = made.path("HostConfig");
    assertThat(made.path("Name").asText()).isEqualTo("/sandbox-" + spec.id());
    assertThat(config.path("Image").asText()).isEqualTo(TestImages.BUSYBOX);
    assertThat(config.path("Entrypoint")).hasToString("[\"/opt/opensandbox/bootstrap.sh\"]");
    assertThat(config.path("Cmd")).hasToString("[\"sleep\",\"600\"]");
    assertThat(config.path("Env").toString()).contains("\"A=1\"", "\"EMPTY=\"");
    assertThat(config.path("Env").toString()).doesNotContain("EXECD");
    assertThat(config.path("Labels").path("team").asText()).isEqualTo("red");
    assertThat(host.path("NanoCpus").asLong()).isEqualTo(500_000_000);
    assertThat(host.path("Memory").asLong()).isEqualTo(134_217_728);
    assertThat(host.path("PidsLimit").asLong()).isEqualTo(4096);
    assertThat(host.path("SecurityOpt")).hasToString("[\"no-new-privileges:true\"]");
    assertThat(host.path("CapDrop").toString()).contains("NET_ADMIN", "SYS_PTRACE", "MKNOD");
    assertThat(host.path("Privileged").asBoolean()).isFalse();
    assertThat(host.path("NetworkMode").asText()).isEqualTo("bridge");
    assertThat(host.path("Binds").isNull()).isTrue();
    assertPublished(config, host, "44772/tcp", Labels.EXECD_PORT);
    assertPublished(config, host, "8080/tcp", Labels.HTTP_PORT);
  }

  private static void assertPublished(JsonNode config, JsonNode host, String port, String label) {
    JsonNode binding = host.path("PortBindings").path(port).path(0);
    assertThat(binding.path("HostIp").asText()).isEqualTo("0.0.0.0");
    assertThat(binding.path("HostPort").asText())
        .isEqualTo(config.path("Labels").path(label).asText());
    assertThat(binding.path("HostPort").asInt()).isBetween(40_000, 60_000);
  }

  @Test
  void cpuLimit_waitsForExecdAndIsSetWhenStartReturns() {
    DockerRuntime runtime = open(TestImages.EXECD);
    SandboxSpec spec = spec(Map.of(), SMALL, List.of(), "sleep", "600");

    runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));
    assertThat(inspect(spec).path("HostConfig").path("NanoCpus").asLong()).isZero();
    runtime.start(spec.id());

    assertThat(inspect(spec).path("HostConfig").path("NanoCpus").asLong()).isEqualTo(500_000_000);
  }

  @Test
  void cpuLimit_thatADeadServerLeftWaiting_isSetByTheSweep() {
    DockerRuntime runtime = open(TestImages.EXECD);
    SandboxSpec spec = spec(Map.of(), SMALL, List.of(), "sleep", "600");
    runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));
    EngineObjects.docker("start", "sandbox-" + spec.id());

    runtime.sweep();

    assertThat(inspect(spec).path("HostConfig").path("NanoCpus").asLong()).isEqualTo(500_000_000);
  }

  @Test
  void cpuLimit_holdsAtOnceWhereExecdIsNotOurs() {
    DockerRuntime runtime = open(TestImages.FOREIGN_EXECD);
    SandboxSpec spec = spec(Map.of(), SMALL, List.of(), "sleep", "600");

    runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));

    assertThat(inspect(spec).path("HostConfig").path("NanoCpus").asLong()).isEqualTo(500_000_000);
  }

  @Test
  void labelsOfTheImage_areNotTheSandboxs() {
    DockerRuntime runtime = open(TestImages.EXECD);
    SandboxSpec spec = spec("sleep", "600");

    RuntimeSandbox made = runtime.create(spec, prepare(runtime, TestImages.LABELLED));

    assertThat(made.labels())
        .containsOnlyKeys(
            Labels.ID, Labels.EXECD_PORT, Labels.HTTP_PORT, Labels.PREFIX + "owner", "team");
    assertThat(runtime.list()).filteredOn(one -> one.id().equals(spec.id())).containsExactly(made);
  }

  @Test
  void portTakenMeanwhile_isReplaced() throws Exception {
    DockerRuntime runtime = open(TestImages.EXECD);
    SandboxSpec spec = spec("sleep", "600");
    RuntimeSandbox made = runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));
    int port = Integer.parseInt(made.labels().getOrDefault(Labels.EXECD_PORT, "0"));

    RuntimeSandbox started;
    try (ServerSocketChannel thief = ServerSocketChannel.open()) {
      thief.bind(new InetSocketAddress("0.0.0.0", port));
      started = runtime.start(spec.id());
    }

    assertThat(started.state()).isEqualTo(RuntimeSandbox.State.RUNNING);
    assertThat(started.labels().get(Labels.EXECD_PORT)).isNotEqualTo(String.valueOf(port));
    assertThat(started.labels()).containsEntry("team", "red");
    PortAddress address = runtime.publicAddress(spec.id(), 3000);
    assertThat(address.authority()).endsWith(":" + started.labels().get(Labels.EXECD_PORT));
    assertThat(address.path()).isEqualTo("/proxy/3000");
    assertThat(runtime.publicAddress(spec.id(), 8080).authority())
        .endsWith(":" + started.labels().get(Labels.HTTP_PORT));
    assertPublished(
        inspect(spec).path("Config"),
        inspect(spec).path("HostConfig"),
        "8080/tcp",
        Labels.HTTP_PORT);
  }

  @Test
  void hostNetwork_publishesNothing() {
    DockerRuntime runtime = open(DockerRuntimeConfig.of(TestImages.EXECD).withNetworkMode("HOST"));
    SandboxSpec spec = spec("sleep", "600");

    RuntimeSandbox made = runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));

    assertThat(made.labels()).doesNotContainKeys(Labels.EXECD_PORT, Labels.HTTP_PORT);
    assertThat(inspect(spec).path("HostConfig").path("PortBindings")).isEmpty();
    assertThat(runtime.internalAddress(spec.id(), 3000))
        .isEqualTo(new PortAddress("127.0.0.1:3000", "", Map.of()));
    assertThat(runtime.publicAddress(spec.id(), 3000).authority()).endsWith(":3000");
    assertThat(runtime.publicAddress(spec.id(), 3000).path()).isEmpty();
  }

  @Test
  void missingNetwork_isTheCallersFault() {
    DockerRuntime runtime = open(config(TestImages.EXECD).withNetworkMode("osb-No-Such"));
    SandboxSpec spec = spec("sleep", "600");

    assertFails(
        ErrorCode.INVALID_PARAMETER,
        "docker network create osb-No-Such",
        () -> runtime.check(spec));
    assertFails(
        ErrorCode.INVALID_PARAMETER,
        "docker network create osb-No-Such",
        () -> runtime.create(spec, prepare(runtime, TestImages.BUSYBOX)));

    assertThat(EngineObjects.of(spec.id())).isEqualTo(EngineObjects.NONE);
  }

  @Test
  void userDefinedNetwork_keepsItsCaseAndGivesTheAddress() {
    String network = "osb-Docker-IT-" + UUID.randomUUID();
    EngineObjects.docker("network", "create", network);
    SandboxSpec spec = spec("sleep", "600");
    try {
      DockerRuntime runtime = open(config(TestImages.EXECD).withNetworkMode(network));
      runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));
      runtime.start(spec.id());

      String ip =
          inspect(spec)
              .path("NetworkSettings")
              .path("Networks")
              .path(network)
              .path("IPAddress")
              .asText();
      assertThat(runtime.internalAddress(spec.id(), 80).authority()).isEqualTo(ip + ":80");
      runtime.remove(spec.id(), Duration.ZERO);
    } finally {
      EngineObjects.docker("network", "rm", network);
    }
  }

  @Test
  void seccompProfile_isReadFromItsFile() throws Exception {
    Path profile = folder.resolve("profile.json");
    Files.writeString(profile, "{\"defaultAction\": \"SCMP_ACT_ALLOW\"}");
    DockerRuntimeConfig.Security security =
        new DockerRuntimeConfig.Security(
            List.of("MKNOD"), false, "", profile.toString(), OptionalLong.empty(), "");
    DockerRuntime runtime = open(withSecurity(security));
    SandboxSpec spec = spec("sleep", "600");

    runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));
    RuntimeSandbox started = runtime.start(spec.id());

    assertThat(started.state()).isEqualTo(RuntimeSandbox.State.RUNNING);
    JsonNode host = inspect(spec).path("HostConfig");
    assertThat(host.path("SecurityOpt").toString()).contains("SCMP_ACT_ALLOW");
    assertThat(host.path("CapDrop")).hasToString("[\"MKNOD\"]");
    assertThat(host.path("PidsLimit").asLong()).isZero();
  }

  @Test
  void secureRuntime_isTheContainers() {
    String name = "io.containerd.runc.v2"; // every engine since 20.10 knows runc by this name, too
    assumeTrue(
        EngineObjects.docker("info", "--format", "{{json .Runtimes}}").contains("\"" + name + "\""),
        "the engine has no " + name);
    DockerRuntime runtime = open(withRuntime(name));
    SandboxSpec spec = spec("sleep", "600");

    runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));

    assertThat(runtime.start(spec.id()).state()).isEqualTo(RuntimeSandbox.State.RUNNING);
    assertThat(inspect(spec).path("HostConfig").path("Runtime").asText()).isEqualTo(name);
  }

  @Test
  void secureRuntimeThatTheEngineLacks_opensNothing() {
    assertFails(
        ErrorCode.RUNTIME_UNAVAILABLE,
        "the engine has no runtime \"osb-none\", only [",
        () -> open(withRuntime("osb-none")));
  }

  private static DockerRuntimeConfig withRuntime(String name) {
    DockerRuntimeConfig.Security plain = DockerRuntimeConfig.Security.DEFAULT;
    return withSecurity(
        new DockerRuntimeConfig.Security(
            plain.dropCapabilities(), plain.noNewPrivileges(), "", "", plain.pidsLimit(), name));
  }

  private static DockerRuntimeConfig withSecurity(DockerRuntimeConfig.Security security) {
    return config(security, List.of(), config(TestImages.EXECD).buckets());
  }

  @Test
  void anonymousVolumesOfTheImage_goWithTheSandbox() {
    DockerRuntime runtime = open(TestImages.EXECD);
    SandboxSpec spec = spec("sleep", "600");
    runtime.create(spec, prepare(runtime, TestImages.WITH_VOLUME));
    String volume = anonymousVolume(spec);

    runtime.remove(spec.id(), Duration.ZERO);

    assertThat(EngineObjects.docker("volume", "ls", "--quiet").lines()).doesNotContain(volume);
  }

  private static String anonymousVolume(SandboxSpec spec) {
    for (JsonNode mount : inspect(spec).path("Mounts")) {
      if (mount.path("Destination").asText().equals("/scratch")) {
        return mount.path("Name").asText();
      }
    }
    throw new AssertionError("no volume at /scratch");
  }

  @Test
  void createThatTheEngineRefuses_takesItsVolumesBack() {
    DockerRuntime runtime = open(TestImages.EXECD);
    String volume = "osb-docker-it-" + UUID.randomUUID();
    ResourceLimits tooLittle = SingleLimit.memory(1024);
    SandboxSpec spec =
        spec(Map.of(), tooLittle, List.of(named(volume, Optional.empty())), "sleep", "600");

    assertFails(
        ErrorCode.START_FAILED,
        "memory limit",
        () -> runtime.create(spec, prepare(runtime, TestImages.BUSYBOX)));

    assertThat(EngineObjects.of(spec.id())).isEqualTo(EngineObjects.NONE);
    assertThat(EngineObjects.docker("volume", "ls", "--quiet").lines()).doesNotContain(volume);
  }

  @Test
  void volumes_becomeBindsInRequestOrder() throws Exception {
    Path data = Files.createDirectory(folder.resolve("data"));
    DockerRuntime runtime = open(withAllowed(folder.toRealPath().toString()));
    String volume = "osb-docker-it-" + UUID.randomUUID();
    VolumeMount host =
        new VolumeMount.Host("h", "/h", true, Optional.of("made/later"), data.toString());
    SandboxSpec spec =
        spec(
            Map.of(),
            ResourceLimits.NONE,
            List.of(host, named(volume, Optional.empty())),
            "sh",
            "-c",
            "echo hello > /v/file; touch /h/file || echo read-only; cat /v/file");

    runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));
    runtime.start(spec.id());
    awaitEnd(runtime, spec.id());

    JsonNode binds = inspect(spec).path("HostConfig").path("Binds");
    assertThat(binds.path(0).asText()).isEqualTo(data.toRealPath() + "/made/later:/h:ro");
    assertThat(binds.path(1).asText()).isEqualTo(volume + ":/v:rw");
    assertThat(runtime.logs(spec.id(), 10, Optional.empty(), false)).contains("read-only", "hello");
    assertThat(data.resolve("made/later")).isDirectory();
    JsonNode labels = EngineObjects.get("/volumes/" + volume).path("Labels");
    assertThat(labels.path(Labels.VOLUMES).asText()).isEqualTo("server");
    assertThat(inspect(spec).path("Config").path("Labels").path(Labels.VOLUMES).asText())
        .isEqualTo("[\"" + volume + "\"]");
  }

  private static DockerRuntimeConfig withAllowed(String prefix) {
    DockerRuntimeConfig plain = config(TestImages.EXECD);
    return config(plain.security(), List.of(prefix), plain.buckets());
  }

  private static VolumeMount.Named named(String volume, Optional<String> subPath) {
    return new VolumeMount.Named("v", "/v", false, subPath, volume, true, true);
  }

  @Test
  void subPathOfANamedVolume_staysInside() {
    DockerRuntime runtime = open(TestImages.EXECD);
    String volume = "osb-docker-it-" + UUID.randomUUID();
    SandboxSpec spec =
        spec(
            Map.of(),
            ResourceLimits.NONE,
            List.of(named(volume, Optional.of("a/b"))),
            "sh",
            "-c",
            "touch /v/x");

    runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));
    runtime.start(spec.id());
    awaitEnd(runtime, spec.id());

    Path mountpoint = Path.of(EngineObjects.get("/volumes/" + volume).path("Mountpoint").asText());
    assertThat(mountpoint.resolve("a/b/x")).exists();
  }

  @Test
  void aVolumeOfWhichAnotherUsesAFolder_goesWithTheLastOfThem() {
    DockerRuntime runtime = open(TestImages.EXECD);
    String volume = "osb-docker-it-" + UUID.randomUUID();
    SandboxSpec owner = sleeping(named(volume, Optional.empty()));
    SandboxSpec other = sleeping(named(volume, Optional.of("a/b")));
    runtime.create(owner, prepare(runtime, TestImages.BUSYBOX));
    runtime.create(other, prepare(runtime, TestImages.BUSYBOX));

    runtime.remove(owner.id(), Duration.ZERO);
    assertThat(EngineObjects.docker("volume", "ls", "--quiet").lines()).contains(volume);

    runtime.remove(other.id(), Duration.ZERO);
    assertThat(EngineObjects.docker("volume", "ls", "--quiet").lines()).doesNotContain(volume);
  }

  private SandboxSpec sleeping(VolumeMount volume) {
    return spec(Map.of(), ResourceLimits.NONE, List.of(volume), "sleep", "600");
  }

  @Test
  void restoredSandbox_leavesTheSourcesVolumesAlone() {
    DockerRuntime runtime = open(TestImages.EXECD);
    String volume = "osb-docker-it-" + UUID.randomUUID();
    SandboxSpec source =
        spec(
            Map.of(),
            ResourceLimits.NONE,
            List.of(named(volume, Optional.empty())),
            "sh",
            "-c",
            "echo kept > /kept; sleep 600");
    runtime.create(source, prepare(runtime, TestImages.BUSYBOX));
    runtime.start(source.id());
    String snapshotId = UUID.randomUUID().toString();
    String reference = runtime.snapshot(source.id(), snapshotId);
    try {
      SandboxSpec restored = spec("cat", "/kept");

      runtime.create(restored, prepare(runtime, reference));
      runtime.start(restored.id());
      awaitEnd(runtime, restored.id());

      assertThat(runtime.logs(restored.id(), 10, Optional.empty(), false)).isEqualTo("kept\n");
      runtime.remove(restored.id(), Duration.ZERO);
      assertThat(EngineObjects.docker("volume", "ls", "--quiet").lines()).contains(volume);
    } finally {
      runtime.remove(source.id(), Duration.ZERO);
      runtime.removeSnapshot(reference);
    }
    assertThat(EngineObjects.docker("volume", "ls", "--quiet").lines()).doesNotContain(volume);
  }

  @Test
  void volumeThatAnotherSandboxStillUsed_goesWithTheLastOfThem() {
    DockerRuntime runtime = open(TestImages.EXECD);
    String volume = "osb-docker-it-" + UUID.randomUUID();
    List<VolumeMount> mounts = List.of(named(volume, Optional.empty()));
    SandboxSpec owner = spec(Map.of(), ResourceLimits.NONE, mounts, "sleep", "60");
    SandboxSpec guest = spec(Map.of(), ResourceLimits.NONE, mounts, "sleep", "60");
    for (SandboxSpec one : List.of(owner, guest)) {
      runtime.create(one, prepare(runtime, TestImages.BUSYBOX));
      runtime.start(one.id());
    }

    runtime.remove(owner.id(), Duration.ZERO);
    assertThat(EngineObjects.docker("volume", "ls", "--quiet").lines()).contains(volume);
    runtime.remove(guest.id(), Duration.ZERO);

    assertThat(EngineObjects.docker("volume", "ls", "--quiet").lines()).doesNotContain(volume);
  }

  @Test
  void sweep_removesVolumesWhoseSandboxNeverCameToBe() {
    String volume = "osb-docker-it-" + UUID.randomUUID();
    String nobody = UUID.randomUUID().toString();
    EngineObjects.docker(
        "volume",
        "create",
        "--label",
        Labels.VOLUMES + "=server",
        "--label",
        "opensandbox.io/volume-owner=" + nobody,
        volume);
    DockerRuntime young = open(TestImages.EXECD);
    young.sweep();
    assertThat(EngineObjects.docker("volume", "ls", "--quiet").lines()).contains(volume);

    try (DockerRuntime later =
        DockerRuntime.open(
            config(TestImages.EXECD), Clock.offset(Clock.systemUTC(), Duration.ofMinutes(5)))) {
      assertThat(later.sweep()).isPositive();
    }

    assertThat(EngineObjects.docker("volume", "ls", "--quiet").lines()).doesNotContain(volume);
  }

  @Test
  void changesBehindOurBack_areSeen() throws Exception {
    DockerRuntime runtime = open(TestImages.EXECD);
    SandboxSpec spec = spec("sleep", "600");
    runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));
    runtime.start(spec.id());
    assertThat(states(runtime, spec)).containsExactly(RuntimeSandbox.State.RUNNING);

    EngineObjects.docker("pause", "sandbox-" + spec.id());
    assertThat(states(runtime, spec)).containsExactly(RuntimeSandbox.State.PAUSED);

    EngineObjects.docker("rm", "--force", "sandbox-" + spec.id());
    assertThat(states(runtime, spec)).isEmpty();
    assertThat(runtime.find(spec.id())).isEmpty();
  }

  private static List<RuntimeSandbox.State> states(DockerRuntime runtime, SandboxSpec spec) {
    return runtime.list().stream()
        .filter(one -> one.id().equals(spec.id()))
        .map(RuntimeSandbox::state)
        .toList();
  }

  private static JsonNode inspect(SandboxSpec spec) {
    return EngineObjects.get("/containers/sandbox-" + spec.id() + "/json");
  }
}
