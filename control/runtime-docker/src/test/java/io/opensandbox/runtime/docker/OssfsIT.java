package io.opensandbox.runtime.docker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.runtime.Capabilities.Feature;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.SandboxSpec;
import io.opensandbox.runtime.SingleLimit;
import io.opensandbox.runtime.VolumeMount;
import io.opensandbox.runtime.docker.volume.SandboxVolumes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Buckets in containers. A script plays `ossfs2`: it mounts memory in which it leaves a file.
final class OssfsIT extends DockerFixture {
  private static final String TOOL =
      """
      #!/bin/sh
      set -eu
      [ "$1 $3" = "mount -c" ]
      grep -q '^--oss_access_key_secret=hush$' "$4" || { echo "denied: $(cat "$4")"; exit 3; }
      mount -t tmpfs -o size=1m none "$2"
      echo content >"$2/object"
      """;

  @TempDir Path folder;
  private Path root;
  private DockerRuntimeConfig config;

  @BeforeEach
  void installTool() throws IOException {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root mounts");
    assumeTrue(Files.exists(Path.of("/dev/fuse")), "there is no /dev/fuse");
    Path tools = Files.createDirectory(folder.resolve("tools"));
    Path tool = Files.writeString(tools.resolve("ossfs2"), TOOL);
    Files.setPosixFilePermissions(tool, PosixFilePermissions.fromString("rwxr-xr-x"));
    root = folder.toRealPath().resolve("mnt");
    Path credentials = Files.createDirectory(folder.resolve("credentials"));
    var buckets =
        new SandboxVolumes.Buckets(root, tools + ":/usr/sbin:/usr/bin:/sbin:/bin", credentials);
    config = config(DockerRuntimeConfig.Security.DEFAULT, List.of(), buckets);
  }

  @AfterEach
  void unmountWhatAFailedTestLeft() throws IOException, InterruptedException {
    for (String mount : mounts()) {
      new ProcessBuilder("umount", "--lazy", mount).inheritIO().start().waitFor();
    }
  }

  private List<String> mounts() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
        .map(line -> line.split(" ", 6)[4])
        .filter(mount -> root != null && mount.startsWith(root + "/"))
        .toList();
  }

  private static VolumeMount bucket(String secret) {
    return new VolumeMount.Ossfs(
        "v", "/oss", false, Optional.empty(), "bucket", "oss.test", "2.0", List.of(), "id", secret);
  }

  private SandboxSpec spec(String secret, String script) {
    return spec(Map.of(), ResourceLimits.NONE, List.of(bucket(secret)), "sh", "-c", script);
  }

  @Test
  void sandboxesShareABucket_thatIsUnmountedWithTheLast() throws IOException {
    DockerRuntime runtime = open(config);
    SandboxSpec first = spec("hush", "cat /oss/object; echo more >/oss/second");
    SandboxSpec second = spec("hush", "cat /oss/second");

    for (SandboxSpec spec : List.of(first, second)) {
      runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));
      runtime.start(spec.id());
      awaitEnd(runtime, spec.id());
    }

    assertThat(runtime.capabilities().has(Feature.OSSFS_VOLUMES)).isTrue();
    assertThat(runtime.logs(first.id(), 10, Optional.empty(), false)).contains("content");
    assertThat(runtime.logs(second.id(), 10, Optional.empty(), false)).contains("more");
    assertThat(mounts()).hasSize(1);
    assertThat(runtime.find(first.id()).orElseThrow().labels().get(Labels.OSSFS_MOUNTS))
        .isEqualTo("[\"" + mounts().getFirst() + "\"]");
    runtime.remove(first.id(), Duration.ZERO);
    assertThat(mounts()).hasSize(1);
    runtime.remove(second.id(), Duration.ZERO);
    assertThat(mounts()).isEmpty();
    assertThat(root).isDirectoryNotContaining(Files::isDirectory);
  }

  @Test
  void mountsOfSandboxesThatSomebodyElseRemoved_goWithTheSweepOfTheNextServer() throws IOException {
    DockerRuntime runtime = open(config);
    SandboxSpec spec = spec("hush", "sleep 600");
    runtime.create(spec, prepare(runtime, TestImages.BUSYBOX));
    DockerRuntime next = open(config);

    next.sweep();
    assertThat(mounts()).hasSize(1);
    EngineObjects.docker("rm", "--force", SandboxIndex.containerName(spec.id()));
    next.sweep();
    assertThat(mounts()).isEmpty();
  }

  @Test
  void refusedCredentials_failTheCreateWithoutBeingTold() throws IOException {
    DockerRuntime runtime = open(config);
    SandboxSpec spec = spec("wrong-secret", "true");

    assertFails(
        ErrorCode.VOLUME_OSSFS_MOUNT_FAILED,
        "ossfs2 failed with status 3: denied: ",
        () -> runtime.create(spec, prepare(runtime, TestImages.BUSYBOX)));
    assertThat(runtime.find(spec.id())).isEmpty();
    assertThat(mounts()).isEmpty();
    assertThat(folder.resolve("credentials")).isEmptyDirectory();
  }

  @Test
  void createThatFailsLater_unmounts() throws IOException {
    DockerRuntime runtime = open(config);
    var tooLittle = SingleLimit.memory(1024);
    SandboxSpec spec = spec(Map.of(), tooLittle, List.of(bucket("hush")), "sleep", "600");

    assertFails(
        ErrorCode.START_FAILED,
        "memory limit",
        () -> runtime.create(spec, prepare(runtime, TestImages.BUSYBOX)));
    assertThat(mounts()).isEmpty();
  }
}
