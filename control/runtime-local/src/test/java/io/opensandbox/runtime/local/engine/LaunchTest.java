package io.opensandbox.runtime.local.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.runtime.local.record.SandboxRecord;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LaunchTest {
  private static final Path NETWORKS = Path.of("/run/netns");
  private static final Map<String, Path> V2 = Map.of("", Path.of("/sys/fs/cgroup/one"));

  private final Launch launch = new Launch(Set.of("/sys/firmware", "/proc/acpi"), List.of());

  @Test
  void mountsTreesThenWhatSysShows() {
    assertThat(launch.mounts(sandbox(), NETWORKS, V2))
        .containsExactly(
            "overlay userxattr,lowerdir=../../layers/a:/usr,upperdir=files/upper/0,"
                + "workdir=files/work/0 root",
            "overlay userxattr,lowerdir=../../layers/b,upperdir=files/upper/1,"
                + "workdir=files/work/1 root/usr",
            "sysfs sysfs root/sys",
            "tmpfs tmpfs root/sys/firmware",
            "seal - root/sys/firmware",
            "bind /sys/fs/cgroup/one root/sys/fs/cgroup",
            "drop - /run/netns",
            "drop - /sys");
  }

  @Test
  void showsEachControllerOfTheFirstVersion() {
    assertThat(launch.mounts(sandbox(), NETWORKS, Map.of("cpu", Path.of("/cpu/one"))))
        .containsSubsequence(
            "tmpfs tmpfs root/sys/fs/cgroup",
            "bind /cpu/one root/sys/fs/cgroup/cpu",
            "seal - root/sys/fs/cgroup",
            "drop - /sys");
  }

  /// bubblewrap would follow links in the place of what was looked at before.
  @Test
  void volumesComeFromWhereTheLauncherHoldsThem() {
    SandboxRecord record =
        sandbox(
            new SandboxRecord.Mount("/srv/a\nb c", "/data", true),
            new SandboxRecord.Mount("/srv/more", "/more", false));

    assertThat(Launch.volumes(record)).isEqualTo("/srv/a\nb c\0/srv/more\0");
    assertThat(launch.arguments(record, "host"))
        .containsSubsequence(
            "--ro-bind", "run/volume-0", "/data", "--bind", "run/volume-1", "/more");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", "\n"})
  void refusesWhatWouldBeArgumentsOfItsOwn(String before) {
    SandboxRecord record = withEnv(Map.of("A", before + "\0--bind\0/\0/host"));

    assertThatThrownBy(() -> launch.arguments(record, "host"))
        .isInstanceOf(Engine.StartFailure.class)
        .hasMessage("an argument has a zero byte");
  }

  @Test
  void leavesWhatProcShowsToBubblewrap() {
    List<String> args = launch.arguments(sandbox(), "host");

    assertThat(args).containsSubsequence("--proc", "--tmpfs", "/proc/acpi", "--remount-ro");
    assertThat(args).doesNotContain("/sys/firmware");
  }

  private static SandboxRecord sandbox(SandboxRecord.Mount... volumes) {
    return sandbox(List.of(volumes), Map.of());
  }

  private static SandboxRecord withEnv(Map<String, String> env) {
    return sandbox(List.of(), env);
  }

  private static SandboxRecord sandbox(List<SandboxRecord.Mount> volumes, Map<String, String> env) {
    return new SandboxRecord(
        "one",
        "image",
        "sha256:0",
        List.of("true"),
        Map.of(),
        Map.of(),
        Instant.EPOCH,
        List.of(
            new SandboxRecord.Tree("/", List.of("a", "/usr")),
            new SandboxRecord.Tree("/usr", List.of("b"))),
        volumes,
        List.of(),
        new SandboxRecord.ProcessPlan(List.of("true"), env, "/", ""),
        new SandboxRecord.NetworkPlan(0, 40_000, 40_001),
        null,
        null,
        null,
        null,
        false);
  }
}
