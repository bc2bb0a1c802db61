package io.opensandbox.runtime.docker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.SandboxSpec;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// execd and bootstrap.sh get into sandboxes as the contract says, and what cannot work says why
/// (install-layout sections 1, 2, 5 and 6; docker-runtime section 6).
final class ExecdStagingIT extends DockerFixture {
  @ParameterizedTest
  @ValueSource(strings = {TestImages.EXECD, TestImages.FOREIGN_EXECD})
  void bothFilesAreThere_withoutAnyFolder(String execdImage) {
    DockerRuntime runtime = open(execdImage);

    String output =
        output(
            runtime,
            TestImages.BUSYBOX,
            "stat -c '%a %u %n' /opt/opensandbox/execd /opt/opensandbox/bootstrap.sh;"
                + " find /opt/opensandbox/* -type d");

    assertThat(output)
        .isEqualTo("755 0 /opt/opensandbox/execd\n755 0 /opt/opensandbox/bootstrap.sh\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {TestImages.EXECD, TestImages.FOREIGN_EXECD})
  void folderIsWritableAndPrivate(String execdImage) {
    DockerRuntime runtime = open(execdImage);

    String first =
        output(runtime, TestImages.BUSYBOX, "echo A=1 > /opt/opensandbox/.env && echo written");
    String second = output(runtime, TestImages.BUSYBOX, "ls /opt/opensandbox/.env || echo none");

    assertThat(first).isEqualTo("written\n");
    assertThat(second).contains("none");
  }

  @Test
  void mountedFiles_cannotBeChangedFromInside() {
    String output =
        output(
            open(TestImages.EXECD),
            TestImages.BUSYBOX,
            "echo x > /opt/opensandbox/execd && echo changed || echo refused");

    assertThat(output).contains("refused").doesNotContain("changed");
  }

  @Test
  void execdAccepts_whenStartReturns() throws Exception {
    DockerRuntime runtime = open(TestImages.EXECD);
    SandboxSpec spec = spec("sleep", "600");
    runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));

    runtime.start(spec.id());

    String[] address = runtime.internalAddress(spec.id(), 44772).authority().split(":", 2);
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(address[0], Integer.parseInt(address[1])), 60_000);
      assertThat(socket.isConnected()).isTrue();
    }
  }

  @Test
  void imageWithoutBootstrap_failsWithTheContractsWords() {
    SandboxSpec spec = spec("sleep", "600");
    DockerRuntime runtime = open(TestImages.NO_BOOTSTRAP);

    assertFails(
        ErrorCode.BOOTSTRAP_INSTALL_FAILED,
        "bootstrap.sh not found in execd image cache",
        () -> runtime.create(spec, prepare(runtime, TestImages.BUSYBOX)));

    assertNothingLeft(spec, TestImages.NO_BOOTSTRAP);
  }

  @Test
  void imageWithoutExecd_isADistributionFault() {
    SandboxSpec spec = spec("sleep", "600");
    DockerRuntime runtime = open(TestImages.NO_EXECD);

    assertFails(
        ErrorCode.EXECD_DISTRIBUTION_FAILED,
        "Failed to read execd artifacts: ",
        () -> runtime.create(spec, prepare(runtime, TestImages.BUSYBOX)));

    assertNothingLeft(spec, TestImages.NO_EXECD);
  }

  @Test
  void imageThatCannotBePulled_isNamed() {
    SandboxSpec spec = spec("sleep", "600");
    DockerRuntime runtime = open("localhost:1/osb-docker-it/no-execd-here:1");

    assertFails(
        ErrorCode.IMAGE_PULL_FAILED,
        "Failed to pull image localhost:1/osb-docker-it/no-execd-here:1: ",
        () -> runtime.create(spec, prepare(runtime, TestImages.BUSYBOX)));

    assertThat(EngineObjects.of(spec.id())).isEqualTo(EngineObjects.NONE);
  }

  @Test
  void failedInstall_leavesNothingAndIsTriedAgain() {
    SandboxSpec spec = spec("sleep", "600");
    DockerRuntime runtime = open(TestImages.FAILING_INSTALL);

    for (int i = 0; i < 2; i++) {
      assertFails(
          ErrorCode.EXECD_DISTRIBUTION_FAILED,
          "exit code 7: no luck",
          () -> runtime.create(spec, prepare(runtime, TestImages.BUSYBOX)));
    }

    assertNothingLeft(spec, TestImages.FAILING_INSTALL);
  }

  @Test
  void firstCreatesAtOnce_shareOneFill() throws Exception {
    removeVolume(TestImages.EXECD);
    List<DockerRuntime> servers = List.of(open(TestImages.EXECD), open(TestImages.EXECD));

    List<Future<RuntimeSandbox>> made = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 6; i++) {
        DockerRuntime server = servers.get(i % 2);
        SandboxSpec spec = spec("sleep", "600");
        made.add(threads.submit(() -> server.create(spec, prepare(server, TestImages.BUSYBOX))));
      }
    }

    for (Future<RuntimeSandbox> one : made) {
      assertThat(one.get().state()).isEqualTo(RuntimeSandbox.State.CREATED);
    }
    assertThat(installers(TestImages.EXECD)).isEmpty();
  }

  @Test
  void halfFilledVolume_isNotUsed() {
    removeVolume(TestImages.EXECD);
    EngineObjects.docker("volume", "create", volume(TestImages.EXECD));
    Path root =
        Path.of(
            EngineObjects.get("/volumes/" + volume(TestImages.EXECD)).path("Mountpoint").asText());

    String output =
        output(open(TestImages.EXECD), TestImages.BUSYBOX, "cat /opt/opensandbox/bootstrap.sh");

    assertThat(root.resolve(".opensandbox-complete")).isNotEmptyFile();
    assertThat(output).startsWith("#!/bin/sh\n");
  }

  @Test
  void volumeThatVanished_isFilledAgain() {
    DockerRuntime runtime = open(TestImages.EXECD);
    assertThat(output(runtime, TestImages.BUSYBOX, "echo one")).isEqualTo("one\n");

    removeVolume(TestImages.EXECD);

    assertThat(output(runtime, TestImages.BUSYBOX, "echo two")).isEqualTo("two\n");
  }

  @Test
  void imageWithoutShell_worksWithOurExecd() {
    DockerRuntime runtime = open(TestImages.EXECD);
    SandboxSpec spec = spec("/sleep", "600");

    for (int i = 0; i < 2; i++) { // the second time the lack of a shell is known
      runtime.create(spec, prepare(runtime, TestImages.NO_SHELL));
      RuntimeSandbox started = runtime.start(spec.id());

      assertThat(started.state()).isEqualTo(RuntimeSandbox.State.RUNNING);
      assertThat(started.entrypoint()).containsExactly("/sleep", "600");
      runtime.remove(spec.id(), Duration.ZERO);
    }
  }

  @Test
  void imageWithoutShell_isRefusedWithAnotherExecd() {
    DockerRuntime runtime = open(TestImages.FOREIGN_EXECD);
    SandboxSpec spec = spec("/sleep", "600");

    for (int i = 0; i < 2; i++) {
      assertFails(
          ErrorCode.START_FAILED,
          "has no /bin/sh",
          () -> runtime.create(spec, prepare(runtime, TestImages.NO_SHELL)));
    }

    assertThat(EngineObjects.of(spec.id())).isEqualTo(EngineObjects.NONE);
  }

  @ParameterizedTest
  @ValueSource(strings = {TestImages.EXECD, TestImages.FOREIGN_EXECD})
  void imageWithAnotherUser_works(String execdImage) {
    assertThat(output(open(execdImage), TestImages.NON_ROOT, "id -u")).isEqualTo("1000\n");
  }

  @Test
  void createAgain_afterACrashBeforeTheUpload_completesIt() {
    DockerRuntime runtime = open(TestImages.FOREIGN_EXECD);
    SandboxSpec spec = spec("sh", "-c", "ls /opt/opensandbox");
    EngineObjects.docker(
        "create",
        "--name",
        "sandbox-" + spec.id(),
        "--label",
        "opensandbox.io/id=" + spec.id(),
        "--entrypoint",
        "/opt/opensandbox/bootstrap.sh",
        TestImages.BUSYBOX,
        "sh",
        "-c",
        "ls /opt/opensandbox");

    runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));
    runtime.start(spec.id());

    awaitEnd(runtime, spec.id());
    assertThat(runtime.logs(spec.id(), 10, Optional.empty(), false))
        .isEqualTo("bootstrap.sh\nexecd\n");
  }

  private static void assertNothingLeft(SandboxSpec spec, String execdImage) {
    assertThat(EngineObjects.of(spec.id())).isEqualTo(EngineObjects.NONE);
    assertThat(installers(execdImage)).isEmpty();
    assertThatThrownBy(() -> EngineObjects.get("/volumes/" + volume(execdImage)))
        .hasMessageContaining("no such volume");
  }

  private static String installers(String execdImage) {
    return EngineObjects.docker("ps", "--all", "--quiet", "--filter", "ancestor=" + execdImage);
  }

  private static void removeVolume(String execdImage) {
    EngineObjects.docker("volume", "rm", "--force", volume(execdImage));
  }

  private static String volume(String execdImage) {
    String id = EngineObjects.get("/images/" + execdImage + "/json").path("Id").asText();
    return "opensandbox-execd-" + id.substring("sha256:".length(), "sha256:".length() + 12);
  }
}
