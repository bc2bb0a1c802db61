package io.opensandbox.runtime.local.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SubnetsTest {
  @Test
  void subnet_avoidsWhatIsRouted() {
    List<String> routes =
        List.of(
            "default via 192.0.2.1 dev eth0",
            "10.201.0.0/24 dev vpn",
            "10.202.0.0/30 dev oslother.3 proto kernel",
            "local 10.203.0.1 dev oslabcdef.0 table local");

    assertThat(Subnets.choose(routes, "oslabcdef", Set.of())).isEqualTo(203);
    assertThat(Subnets.choose(routes, "oslother", Set.of())).isEqualTo(202);
  }

  /// A lower one may have become free since.
  @Test
  void subnet_ofSandboxesThatRun_stays() {
    List<String> routes =
        List.of("10.202.0.0/30 dev oslother.3", "10.205.0.0/30 dev oslabcdef.0 proto kernel");

    assertThat(Subnets.choose(routes, "oslabcdef", Set.of())).isEqualTo(205);
  }

  @Test
  void subnet_allTaken_isAnError() {
    List<String> routes =
        IntStream.range(200, 256).mapToObj(i -> "10." + i + ".0.0/16 dev x").toList();

    assertThatThrownBy(() -> Subnets.choose(routes, "osl", Set.of()))
        .hasMessageContaining("no free network");
  }

  @Test
  void serversThatStartInTheSameMoment_getDifferentOnes() throws Exception {
    assumeTrue(mayClaim(), "only root may claim");
    int servers = 8;
    CyclicBarrier start = new CyclicBarrier(servers);
    List<Subnets.Subnet> taken = new ArrayList<>();
    try (var threads = Executors.newFixedThreadPool(servers)) {
      List<Future<Subnets.Subnet>> all = new ArrayList<>();
      for (int i = 0; i < servers; i++) {
        String prefix = "osltst" + i;
        all.add(
            threads.submit(() -> {
              start.await();
              return Subnets.take(List::of, prefix);
            }));
      }
      for (Future<Subnets.Subnet> one : all) {
        taken.add(one.get());
      }

      assertThat(taken).extracting(Subnets.Subnet::number).doesNotHaveDuplicates();
    } finally {
      taken.forEach(Subnets.Subnet::close);
    }
  }

  /// Its server had it when the routes were read, and ended.
  @Test
  void subnet_whereAnotherServerLeftSandboxesMeanwhile_isNotTaken() throws Exception {
    assumeTrue(mayClaim(), "only root may claim");
    int first;
    try (Subnets.Subnet free = Subnets.take(List::of, "osltest")) {
      first = free.number();
    }
    List<String> left = List.of("10." + first + ".0.0/30 dev oslother.0 proto kernel");
    Iterator<List<String>> reads = List.of(List.<String>of(), left, left, left).iterator();

    try (Subnets.Subnet taken = Subnets.take(reads::next, "osltest")) {
      assertThat(taken.number()).isNotEqualTo(first);
    }
  }

  @Test
  void subnetOfSandboxesThatRun_isTaken_whoeverHasWhatStandsForIt() throws Exception {
    assumeTrue(mayClaim(), "only root may claim");
    try (Subnets.Subnet other = Subnets.take(List::of, "oslother")) {
      List<String> own = List.of("10." + other.number() + ".0.0/30 dev osltest.0 proto kernel");

      try (Subnets.Subnet taken = Subnets.take(() -> own, "osltest")) {
        assertThat(taken.number()).isEqualTo(other.number());
        assertThat(taken.claim()).isEmpty();
      }
    }
  }

  private static boolean mayClaim() throws IOException {
    return Files.getOwner(Path.of("/proc/self")).getName().equals("root");
  }
}
