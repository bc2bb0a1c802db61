package io.opensandbox.runtime.local.cgroup;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.ResourceLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The three kinds of hosts, on directories that look like their hierarchies.
class CgroupTreeTest {
  private static final ResourceLimits LIMITS =
      new ResourceLimits(
          OptionalLong.of(500_000_000),
          OptionalLong.of(64 << 20),
          OptionalLong.of(100),
          OptionalInt.empty());

  @TempDir private Path folder;

  private String v1(String controllers) {
    return "30 25 0:26 / %s rw shared:9 - cgroup cgroup rw,%s"
        .formatted(folder.resolve(controllers), controllers);
  }

  private String v2(Path root) {
    return "31 25 0:27 / %s rw shared:10 - cgroup2 cgroup2 rw".formatted(root);
  }

  private Path file(String name, String content) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, content);
  }

  private CgroupTree pureV2() throws IOException {
    file("cgroup.controllers", "cpuset cpu io memory pids\n");
    return CgroupTree.detect("osl", List.of(v2(folder)));
  }

  private List<String> allOfV1() {
    return List.of(v1("cpu,cpuacct"), v1("memory"), v1("pids"), v1("freezer"), v1("devices"));
  }

  @Test
  void pureV2_isLimitedThroughItsOwnFiles() throws IOException {
    CgroupTree tree = pureV2();
    Path cpu = file("osl/box/cpu.max", "max 100000");
    Path memory = file("osl/box/memory.max", "max");
    Path swap = file("osl/box/memory.swap.max", "max");
    Path pids = file("osl/box/pids.max", "max");

    tree.of("box").limit(LIMITS);

    assertThat(tree.missing()).isEmpty();
    assertThat(cpu).hasContent("50000 100000");
    assertThat(memory).hasContent("67108864");
    assertThat(swap).hasContent("67108864");
    assertThat(pids).hasContent("100");
  }

  @Test
  void pureV2_handsItsControllersDown() throws IOException {
    CgroupTree tree = pureV2();
    Path all = file("osl/memory.max", "max");

    tree.prepare(1 << 30);

    assertThat(folder.resolve("cgroup.subtree_control")).hasContent("+cpu +memory +pids");
    assertThat(folder.resolve("osl/cgroup.subtree_control")).hasContent("+cpu +memory +pids");
    assertThat(all).hasContent("1073741824");
  }

  @Test
  void pureV2_hasMemoryWhereFilesCanGiveWay() throws IOException {
    CgroupTree tree = pureV2();
    file("osl/memory.max", "1000000");
    file("osl/memory.current", "950000");
    Path stat = file("osl/memory.stat", "anon 950000\ninactive_file 0\nactive_file 49000\n");

    assertThat(tree.hasMemory(50_000)).isTrue();
    assertThat(tree.hasMemory(100_000)).isFalse();
    Files.writeString(stat, "anon 900000\ninactive_file 30000\nactive_file 20000\n");
    assertThat(tree.hasMemory(100_000)).isTrue();
  }

  @Test
  void v1_hasMemoryWhereFilesCanGiveWay() throws IOException {
    CgroupTree tree = CgroupTree.detect("osl", allOfV1());
    file("memory/osl/memory.limit_in_bytes", "1000000");
    file("memory/osl/memory.usage_in_bytes", "900000");
    file("memory/osl/memory.stat", "active_file 90000\ntotal_inactive_file 24999\n");

    assertThat(tree.hasMemory(100_000)).isTrue();
    // More than an eighth is not asked for.
    assertThat(tree.hasMemory(1_000_000)).isFalse();
    file("memory/osl/memory.stat", "total_inactive_file 25000\n");
    assertThat(tree.hasMemory(1_000_000)).isTrue();
  }

  @Test
  void memoryWithoutALimitIsThere() throws IOException {
    CgroupTree tree = pureV2();
    file("osl/memory.max", "max");
    file("osl/memory.current", "900000");

    assertThat(tree.hasMemory(1 << 30)).isTrue();
  }

  @Test
  void pureV2_freezesByItsEvents() throws IOException {
    Cgroup group = pureV2().of("box");
    Path freeze = file("osl/box/cgroup.freeze", "0");
    file("osl/box/cgroup.events", "populated 1\nfrozen 1\n");

    assertThat(group.freeze()).isTrue();
    assertThat(freeze).hasContent("1");
    file("osl/box/cgroup.events", "populated 1\nfrozen 0\n");
    assertThat(group.thaw()).isTrue();
    assertThat(freeze).hasContent("0");
  }

  @Test
  void pureV2_countsWhatItUses() throws IOException {
    Cgroup group = pureV2().of("box");
    file("osl/box/memory.events", "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\n");
    file("osl/box/cpu.stat", "usage_usec 1500\nuser_usec 1000\n");
    file("osl/box/memory.current", "4096\n");
    file("osl/box/pids.current", "3\n");

    assertThat(group.outOfMemoryKills()).isEqualTo(2);
    assertThat(group.cpuNanos()).isEqualTo(1_500_000);
    assertThat(group.memoryBytes()).isEqualTo(4096);
    assertThat(group.pids()).isEqualTo(3);
  }

  @Test
  void v1_isLimitedThroughEachHierarchy() throws IOException {
    CgroupTree tree = CgroupTree.detect("osl", allOfV1());
    file("cpu,cpuacct/osl/box/cpu.cfs_period_us", "");
    Path quota = file("cpu,cpuacct/osl/box/cpu.cfs_quota_us", "-1");
    Path memory = file("memory/osl/box/memory.limit_in_bytes", "-1");
    Path pids = file("pids/osl/box/pids.max", "max");

    tree.of("box").limit(LIMITS);

    assertThat(tree.missing()).isEmpty();
    assertThat(quota).hasContent("50000");
    assertThat(memory).hasContent("67108864");
    assertThat(pids).hasContent("100");
  }

  @Test
  void v1_knowsWhatWasKilledForMemory() throws IOException {
    Cgroup group = CgroupTree.detect("osl", allOfV1()).of("box");
    file("memory/osl/box/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");

    assertThat(group.outOfMemoryKills()).isEqualTo(1);
  }

  @Test
  void hybrid_usesV1WhileV2HasNoControllers() throws IOException {
    Path unified = Files.createDirectories(folder.resolve("unified"));
    file("unified/cgroup.controllers", "\n");
    List<String> mounts = new java.util.ArrayList<>(allOfV1());
    mounts.add(v2(unified));

    Cgroup group = CgroupTree.detect("osl", mounts).of("box");

    assertThat(group.directories())
        .contains(folder.resolve("memory/osl/box"))
        .doesNotContain(unified.resolve("osl/box"));
  }

  @Test
  void whatIsMissingIsNamed() {
    CgroupTree tree = CgroupTree.detect("osl", List.of(v1("cpu,cpuacct"), v1("pids")));

    assertThat(tree.missing()).containsExactly("memory", "freezer");
  }

  @Test
  void delegated_usesTheServersOwnGroups() throws IOException {
    for (String controller : List.of("cpu,cpuacct", "memory", "pids", "freezer", "devices")) {
      file(controller + "/user/one/cgroup.procs", "");
    }
    List<String> own =
        List.of(
            "5:cpu,cpuacct:/user/one",
            "4:memory:/user/one",
            "3:pids:/user/one",
            "2:freezer:/user/one",
            "1:devices:/user/one",
            "0::/");

    CgroupTree tree = CgroupTree.delegated("osl", allOfV1(), own);

    assertThat(tree.of("box").directories())
        .containsExactlyInAnyOrder(
            folder.resolve("cpu,cpuacct/user/one/osl/box"),
            folder.resolve("memory/user/one/osl/box"),
            folder.resolve("pids/user/one/osl/box"),
            folder.resolve("freezer/user/one/osl/box"));
  }

  @Test
  void delegated_withV2_isTheGroupThatHandsControllersOn() throws IOException {
    file("cgroup.controllers", "cpu memory pids\n");
    file("user/slice/cgroup.subtree_control", "cpu memory pids\n");
    file("user/slice/cgroup.procs", "");
    file("user/slice/server/cgroup.subtree_control", "\n");
    file("user/slice/server/cgroup.procs", "1\n");

    CgroupTree tree =
        CgroupTree.delegated("osl", List.of(v2(folder)), List.of("0::/user/slice/server"));

    assertThat(tree.of("box").directories()).containsExactly(folder.resolve("user/slice/osl/box"));
  }

  @Test
  void delegated_withoutEveryController_isNothing() throws IOException {
    file("memory/user/one/cgroup.procs", "");

    CgroupTree tree =
        CgroupTree.delegated("osl", allOfV1(), List.of("4:memory:/user/one", "3:pids:/"));

    assertThat(tree.isPresent()).isFalse();
    assertThat(tree.names()).isEmpty();
  }
}
