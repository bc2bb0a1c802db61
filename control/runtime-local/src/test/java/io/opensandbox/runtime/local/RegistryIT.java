package io.opensandbox.runtime.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Pulls from real registries, and what can go wrong with them.
class RegistryIT {
  private static final Pattern LAYER =
      Pattern.compile("\"application/vnd.oci.image.layer[^}]*\"digest\":\"(sha256:[0-9a-f]+)\"");
  private static final long SECONDS = 60;

  private static RegistryFixture fixture;
  private static Path directory;
  private static Path layout;
  private static TestRegistry registry;
  private static TestRuntime test;

  @BeforeAll
  static void open() throws Exception {
    fixture = RegistryFixture.open((config, _) -> config);
    directory = fixture.directory();
    registry = fixture.registry();
    test = fixture.test();
    layout = directory.resolve("big");
    TestImages.writeBig(layout, 4 << 20);
  }

  @AfterAll
  static void close() {
    if (fixture != null) {
      fixture.close();
    }
  }

  private static ImageRequest request(String reference, String password) {
    return new ImageRequest(
        reference,
        Optional.of(new ImageRequest.Auth(TestRegistry.USER, password)),
        Optional.empty());
  }

  private static PreparedImage pull(String reference) {
    return test.runtime().prepareImage(request(reference, TestRegistry.PASSWORD), _ -> {});
  }

  private static boolean isPresent(String reference) {
    return test.runtime().isImagePresent(ImageRequest.of(reference));
  }

  private static String nameIn(PreparedImage image) {
    return test.outputOf(image, "cat", "/name");
  }

  /// The digest of the only layer.
  private static String layerOf(Path image) throws IOException {
    Matcher found = LAYER.matcher(Files.readString(image.resolve("manifest.json")));
    assertThat(found.find()).isTrue();
    return found.group(1);
  }

  private static void assertPullFails(ThrowingCallable pull, String... words) {
    assertThatThrownBy(pull)
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure -> assertThat(failure.code()).isEqualTo(ErrorCode.IMAGE_PULL_FAILED))
        .hasMessageStartingWith("Failed to pull image ")
        .hasMessageContainingAll(words);
  }

  @Test
  void registryWithTokens_givesOneForThePassword() throws Exception {
    Path own = Files.createDirectory(directory.resolve("tokens"));
    try (TestTokens tokens = new TestTokens(new TestKey(own, "127.0.0.1"));
        TestRegistry asking = TestRegistry.withTokens(own, tokens)) {
      asking.push(layout, "team/tokens:1");
      String reference = asking.reference("team/tokens:1");

      assertPullFails(
          () -> test.runtime().prepareImage(request(reference, "wrong"), _ -> {}), "unauthorized");
      assertPullFails(
          () -> test.runtime().prepareImage(ImageRequest.of(reference), _ -> {}), "unauthorized");

      assertThat(nameIn(pull(reference))).isEqualTo(layout + "\n");
    }
  }

  @Test
  void registryWithACertificateOfNobody_isSpokenToOnlyWhenConfigured() throws Exception {
    String address = EscapeSuiteIT.publicAddress();
    assumeFalse(address.isEmpty(), "this machine has no address but loopback");
    Path own = Files.createDirectory(directory.resolve("tls"));
    try (TestRegistry secure = TestRegistry.withTls(own, address, new TestKey(own, address))) {
      secure.push(layout, "team/tls:1");
      String reference = secure.reference("team/tls:1");

      assertPullFails(() -> pull(reference), "x509");

      try (TestRuntime trusting =
          TestRuntime.open(config ->
              TestRuntime.withSources(
                  config,
                  new LocalConfig.ImageSources(List.of(), List.of(secure.name()), List.of())))) {
        PreparedImage image =
            trusting.runtime().prepareImage(request(reference, TestRegistry.PASSWORD), _ -> {});
        assertThat(trusting.outputOf(image, "cat", "/name")).isEqualTo(layout + "\n");
      }
    }
  }

  @Test
  void whatTheRegistryDoesNotHave_isNamed() {
    registry.push(layout, "team/there:1");

    assertPullFails(() -> pull(registry.reference("team/there:2")), "manifest unknown");
    assertPullFails(() -> pull(registry.reference("team/absent:1")), "manifest unknown");
    assertPullFails(
        () -> pull(registry.reference("team/there@sha256:" + "0".repeat(64))), "manifest unknown");
  }

  @Test
  void image_byItsDigest() throws IOException {
    registry.push(layout, "team/digest:1");
    String manifest =
        TestRuntime.RUNNER.text("sha256sum", layout.resolve("manifest.json").toString());

    PreparedImage image =
        pull(registry.reference("team/digest@sha256:" + manifest.substring(0, 64)));

    assertThat(nameIn(image)).isEqualTo(layout + "\n");
  }

  @Test
  void imageForAnotherMachine_isRefused() throws IOException {
    Path foreign = directory.resolve("foreign");
    TestImages.write(foreign, "s390x", List.of("image"), List.of(layout.resolve("big.tar")));
    registry.push(foreign, "team/foreign:1");

    assertPullFails(() -> pull(registry.reference("team/foreign:1")), "is for linux/s390x");

    assertThat(isPresent(registry.reference("team/foreign:1"))).isFalse();
  }

  @Test
  void imageForManyMachines_isPulledForThisOne() throws IOException {
    Path many = directory.resolve("many");
    TestImages.write(many, "s390x", List.of("foreign"), List.of(layout.resolve("big.tar")));
    TestImages.addIndex(many, layout);
    registry.push(many, "team/many:1", "--all");

    assertThat(nameIn(pull(registry.reference("team/many:1")))).isEqualTo(layout + "\n");
  }

  @Test
  void damagedLayer_isNoticed_andNothingIsLeft() throws IOException {
    Path own = directory.resolve("damaged");
    TestImages.writeBig(own, 1 << 20);
    registry.push(own, "team/damaged:1");
    Path blob = registry.blob(layerOf(own));
    byte[] good = Files.readAllBytes(blob);
    byte[] bad = good.clone();
    bad[bad.length / 2] ^= 1;
    Files.write(blob, bad);

    assertPullFails(() -> pull(registry.reference("team/damaged:1")), "igest");
    assertThat(isPresent(registry.reference("team/damaged:1"))).isFalse();

    Files.write(blob, good);
    assertThat(nameIn(pull(registry.reference("team/damaged:1")))).isEqualTo(own + "\n");
  }

  @Test
  void cutConnection_failsThePull_andTheNextOneWorks() throws IOException {
    Path own = directory.resolve("cut");
    TestImages.writeBig(own, 4 << 20);
    registry.push(own, "team/cut:1");
    String reference;
    try (TestProxy cut =
        new TestProxy(
            registry.port(),
            1 << 20,
            () -> {
              throw new IOException("cut");
            })) {
      reference = cut.name() + "/team/cut:1";
      assertPullFails(() -> pull(reference), "EOF");
    }

    assertThat(isPresent(reference)).isFalse();
    assertThat(nameIn(pull(registry.reference("team/cut:1")))).isEqualTo(own + "\n");
  }

  @Test
  void manyPulls_downloadOnce() throws Exception {
    Path own = directory.resolve("shared");
    TestImages.writeBig(own, 2 << 20);
    registry.push(own, "team/shared:1");

    List<PreparedImage> images = new ArrayList<>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<PreparedImage>> pulls = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        pulls.add(threads.submit(() -> pull(registry.reference("team/shared:1"))));
      }
      for (Future<PreparedImage> pull : pulls) {
        images.add(pull.get());
      }
    }

    assertThat(images).hasSize(12).containsOnly(images.getFirst());
    assertThat(registry.downloads("team/shared", layerOf(own))).isEqualTo(1);
  }

  /// The sandbox that began a pull may be deleted while others wait for the same image.
  @Test
  void pull_goesOnForThoseWhoStillWait_andEndsWithTheLast() throws Exception {
    registry.push(layout, "team/slow:1");
    CountDownLatch goesOn = new CountDownLatch(1);
    try (TestProxy slow = new TestProxy(registry.port(), 0, () -> await(goesOn));
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      String reference = slow.name() + "/team/slow:1";
      BlockingQueue<String> told = new LinkedBlockingQueue<>();
      Future<PreparedImage> first = threads.submit(() -> pull(reference, told));
      assertThat(told.poll(SECONDS, TimeUnit.SECONDS)).isEqualTo("pulling " + reference);
      Future<PreparedImage> second = threads.submit(() -> pull(reference, told));
      assertThat(told.poll(SECONDS, TimeUnit.SECONDS))
          .isEqualTo("waiting for the pull of " + reference);
      test.await(() -> isPulling(reference));

      first.cancel(true);
      goesOn.countDown();

      assertThat(nameIn(second.get())).isEqualTo(layout + "\n");
      assertThat(told).contains("pulled " + reference);
    }
    CountDownLatch never = new CountDownLatch(1);
    try (TestProxy stuck = new TestProxy(registry.port(), 0, () -> await(never));
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      String reference = stuck.name() + "/team/slow:1";
      Future<PreparedImage> only = threads.submit(() -> pull(reference));
      test.await(() -> isPulling(reference));

      only.cancel(true);

      test.await(() -> !isPulling(reference));
      never.countDown();
    }
  }

  private static PreparedImage pull(String reference, BlockingQueue<String> told) {
    return test.runtime().prepareImage(request(reference, TestRegistry.PASSWORD), told::add);
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      if (!latch.await(2 * SECONDS, TimeUnit.SECONDS)) {
        throw new IOException("nobody lets it go on");
      }
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private static boolean isPulling(String reference) {
    return !TestRuntime.RUNNER
        .run(Runner.Command.of("pgrep", "-f", "^skopeo .*" + reference))
        .stdout()
        .isEmpty();
  }
}
