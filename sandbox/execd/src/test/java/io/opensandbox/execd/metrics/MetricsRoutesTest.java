package io.opensandbox.execd.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.http.RawClient;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TestServer;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.protocol.execd.Metrics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class MetricsRoutesTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.ofEpochMilli(1_781_500_000_000L), ZoneOffset.UTC);

  @TempDir private Path root;
  private final AtomicLong nanos = new AtomicLong();

  private void file(String path, String text) throws IOException {
    Path file = root.resolve(path.substring(1));
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private void host() throws IOException {
    file("/proc/stat", "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1\n");
    file(
        "/proc/meminfo",
        "MemTotal: 4194304 kB\nMemFree: 1048576 kB\nBuffers: 1024 kB\nCached: 1024 kB\nSReclaimable: 1024 kB\n");
  }

  private Sampler sampler() {
    return new Sampler(
        new KernelFiles(root), new Sampler.Surroundings(root, () -> 4, nanos::get, CLOCK));
  }

  @Test
  void readsLimitsAndUseFromVersion2() throws IOException {
    host();
    file("/proc/self/cgroup", "0::/\n");
    file("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
    file("/sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
    file("/sys/fs/cgroup/cpu.max", "250000 100000\n");
    file("/sys/fs/cgroup/cpu.stat", "usage_usec 1000000\nuser_usec 1\n");
    file("/sys/fs/cgroup/memory.max", "67108864\n");
    file("/sys/fs/cgroup/memory.current", "33554432\n");
    file("/sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 1048576\n");
    file("/sys/fs/cgroup/pids.current", "7\n");
    file("/sys/fs/cgroup/pids.max", "100\n");
    Sampler sampler = sampler();
    Sampler.Reading before = sampler.read();
    file("/sys/fs/cgroup/cpu.stat", "usage_usec 2250000\n");
    nanos.addAndGet(1_000_000_000L);

    Metrics metrics = sampler.between(before, sampler.read());

    assertThat(metrics.cpuCount()).isEqualTo(2);
    assertThat(metrics.cpuUsedPct()).isEqualTo(50);
    assertThat(metrics.memTotalMib()).isEqualTo(64);
    assertThat(metrics.memUsedMib()).isEqualTo(31);
    assertThat(metrics.timestamp()).isEqualTo(1_781_500_000_000L);
    assertThat(metrics.pidsUsed()).isEqualTo(7);
    assertThat(metrics.pidsLimit()).isEqualTo(100);
  }

  @Test
  void readsLimitsAndUseFromVersion1OnAHybridHost() throws IOException {
    host();
    file(
        "/proc/self/cgroup",
        "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n3:pids:/docker/abc\n0::/docker/abc\n");
    file(
        "/proc/self/mountinfo",
        """
        30 23 0:26 /docker/abc /sys/fs/cgroup/unified ro - cgroup2 cgroup rw
        31 23 0:27 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct
        32 23 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory
        33 23 0:29 / /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids
        """);
    file("/sys/fs/cgroup/unified/cgroup.controllers", "\n");
    file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n");
    file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    file("/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage", "1000000000\n");
    file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    file("/sys/fs/cgroup/memory/memory.usage_in_bytes", "10485760\n");
    file("/sys/fs/cgroup/memory/memory.stat", "cache 5\ntotal_inactive_file 1048576\n");
    file("/sys/fs/cgroup/pids/docker/abc/pids.current", "3\n");
    file("/sys/fs/cgroup/pids/docker/abc/pids.max", "max\n");
    Sampler sampler = sampler();
    Sampler.Reading before = sampler.read();
    file("/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage", "1250000000\n");
    nanos.addAndGet(1_000_000_000L);

    Metrics metrics = sampler.between(before, sampler.read());

    assertThat(metrics.cpuCount()).isEqualTo(1);
    assertThat(metrics.cpuUsedPct()).isEqualTo(50);
    assertThat(metrics.memTotalMib()).isEqualTo(4096);
    assertThat(metrics.memUsedMib()).isEqualTo(9);
    assertThat(metrics.pidsUsed()).isEqualTo(3);
    assertThat(metrics.pidsLimit()).isZero();
  }

  @Test
  void readsTheMachineWhereThereAreNoGroups() throws IOException {
    host();
    Sampler sampler = sampler();
    Sampler.Reading before = sampler.read();
    file("/proc/stat", "cpu  150 0 125 825 0 0 0 0 0 0\n");

    Metrics metrics = sampler.between(before, sampler.read());

    assertThat(metrics.cpuCount()).isEqualTo(4);
    assertThat(metrics.cpuUsedPct()).isEqualTo(75);
    assertThat(metrics.memTotalMib()).isEqualTo(4096);
    assertThat(metrics.memUsedMib()).isEqualTo(3069);
  }

  @Test
  void takesTheTightestLimitOfTheGroupsAbove() throws IOException {
    host();
    file("/proc/self/cgroup", "0::/a/b\n");
    file("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
    file("/sys/fs/cgroup/cgroup.controllers", "memory\n");
    file("/sys/fs/cgroup/a/memory.max", "1048576\n");
    file("/sys/fs/cgroup/a/b/memory.max", "max\n");
    Sampler sampler = sampler();

    assertThat(sampler.between(sampler.read(), sampler.read()).memTotalMib()).isEqualTo(1);
  }

  @Test
  void answersWithAllFields() throws IOException {
    Router router = new Router();
    MetricsRoutes.ofSystem(CLOCK).register(router);
    try (TestServer server = new TestServer(router)) {
      RawClient.Response response = server.get("/metrics");
      JsonObject json = JsonParser.parseObject(response.body().getBytes(StandardCharsets.UTF_8));

      assertThat(response.status()).isEqualTo(200);
      assertThat(json.members().keySet())
          .startsWith("cpu_count", "cpu_used_pct", "mem_total_mib", "mem_used_mib", "timestamp");
      assertThat(json.integer("timestamp")).hasValue(1_781_500_000_000L);
    }
  }

  @Test
  void watchesOnceASecondWithABlankLineAfterEachRecord() throws IOException {
    host();
    Router router = new Router();
    new MetricsRoutes(sampler(), this::advance).register(router);
    try (TestServer server = new TestServer(router);
        RawClient client = server.connect()) {
      client.send("GET /metrics/watch HTTP/1.1\r\nHost: x\r\n\r\n");

      assertThat(client.receiveHead().header("content-type")).isEqualTo("text/event-stream");
      for (int i = 0; i < 3; i++) {
        assertThat(client.readChunk()).startsWith("{\"cpu_count\":4,").endsWith("}\n\n");
      }
      assertThat(nanos.get() % 1_000_000_000L).isZero();
    }
  }

  private void advance(Duration time) {
    nanos.addAndGet(time.toNanos());
  }
}
