package io.opensandbox.runtime.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.VolumeMount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Pulls from a real registry and from files, and looks at what comes out in a sandbox.
class ImagesIT {
  private static RegistryFixture fixture;
  private static Path directory;
  private static TestRegistry registry;
  private static TestRuntime test;

  @BeforeAll
  static void open() throws Exception {
    fixture =
        RegistryFixture.open((config, files) ->
            TestRuntime.withSources(
                config,
                new LocalConfig.ImageSources(
                    List.of(files), List.of(), List.of(files.resolve("layout")))));
    directory = fixture.directory();
    registry = fixture.registry();
    test = fixture.test();
    TestImages.writeLayout(directory);
    registry.push(directory.resolve("layout"), "team/app:1");
  }

  @AfterAll
  static void close() {
    if (fixture != null) {
      fixture.close();
    }
  }

  @Test
  void pull_withLogin_unpacksWhatTheLayersSay() {
    PreparedImage image =
        test.runtime().prepareImage(login("team/app:1", TestRegistry.PASSWORD), _ -> {});

    String seen =
        test.outputOf(
            image,
            "sh",
            "-c",
            "pwd; echo $COLOUR; ls /data /data/old; cat replaced added old/new absolute;"
                + " stat -c '%u:%g %h' kept linked");

    assertThat(seen)
        .isEqualTo(
            """
            /data
            blue
            /data:
            absolute
            added
            kept
            linked
            old
            replaced

            /data/old:
            new
            second
            third
            second
            first
            1234:2345 2
            1234:2345 2
            """);
  }

  /// Images bring devices along, which an ordinary user cannot make.
  @Test
  void devicesOfAnImage_areLeftOut() throws IOException {
    test.runtime().prepareImage(ImageRequest.of("team/known:1"), _ -> {});

    try (var layers = Files.list(test.root().resolve("layers"))) {
      assertThat(layers).isNotEmpty().noneMatch(layer -> Files.exists(layer.resolve("dev/sda")));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"dots", "absolute", "link", "hard"})
  void layerThatLeadsOut_touchesNothingOutside(String how) throws IOException {
    Path target = Files.createDirectory(directory.resolve("target-" + how));
    Files.writeString(target.resolve("given"), "given\n");
    Path image = directory.resolve("hostile-" + how);
    TestImages.writeHostile(image, target, how);

    Optional<SandboxException> refused =
        Optional.ofNullable(
            catchThrowableOfType(
                SandboxException.class,
                () ->
                    test.runtime()
                        .prepareImage(ImageRequest.of("oci:" + image + ":image"), _ -> {})));

    assertThat(refused.map(SandboxException::code))
        .isIn(Optional.of(ErrorCode.IMAGE_PULL_FAILED), Optional.empty());
    assertThat(target.resolve("evil")).doesNotExist();
    assertThat(target.resolve("given")).hasContent("given\n");
  }

  /// Where a sandbox has files of its own and mounts it has them, whatever the image puts there;
  /// and what an upper layer takes away is gone, whatever its name.
  @Test
  void imageFullOfTraps_leadsNowhere() throws IOException {
    Path target = Files.createDirectory(directory.resolve("trapped"));
    Path layout = directory.resolve("traps");
    TestImages.writeTraps(layout, target, false);
    PreparedImage image =
        test.runtime().prepareImage(ImageRequest.of("oci:" + layout + ":image"), _ -> {});
    VolumeMount volume =
        new VolumeMount.Named("v", "/vol/inner", false, Optional.empty(), "osl-traps", true, true);

    String id =
        test.start(
            image,
            ResourceLimits.NONE,
            List.of(volume),
            "sh",
            "-c",
            "cat /etc/hosts | head -n 1; ls -A /data /data/parent; echo >/vol/inner/x; echo >/tmp/x;"
                + " ls /proc/self/comm /opt/opensandbox/bootstrap.sh; cat /vol/inner/x /tmp/x");
    test.awaitEnd(id);

    assertThat(test.logOf(id))
        .isEqualTo(
            """
            127.0.0.1 localhost
            /data:
            parent

            /data/parent:
            new
            /opt/opensandbox/bootstrap.sh
            /proc/self/comm


            """);
    assertThat(target).isEmptyDirectory();
    test.runtime().remove(id, Duration.ZERO);
  }

  /// The arguments of bubblewrap end with zero bytes.
  @Test
  void zeroByteInAnImagesSettings_isRefused() throws IOException {
    Path layout = directory.resolve("zero");
    TestImages.writeColoured(layout, "blue\\u0000--bind\\u0000/\\u0000/data");

    assertThatThrownBy(
            () -> {
              PreparedImage image =
                  test.runtime().prepareImage(ImageRequest.of("oci:" + layout + ":image"), _ -> {});
              throw new AssertionError(test.outputOf(image, "sh", "-c", "echo /data/*"));
            })
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure -> assertThat(failure.code()).isEqualTo(ErrorCode.IMAGE_PULL_FAILED))
        .hasMessageContaining("its Env has a zero byte");
  }

  @Test
  void devicesAnywhereInAnImage_doNotOpen() throws IOException {
    assumeFalse(TestRuntime.isRootless(), "an ordinary user can unpack none");
    Path layout = directory.resolve("devices");
    TestImages.writeTraps(layout, directory.resolve("nowhere"), true);
    PreparedImage image =
        test.runtime().prepareImage(ImageRequest.of("oci:" + layout + ":image"), _ -> {});

    String output = test.outputOf(image, "sh", "-c", "head -c 1 /data/zero; head -c 1 /data/disk");

    assertThat(output)
        .isEqualTo(
            """
            head: /data/zero: Permission denied
            head: /data/disk: Permission denied
            """);
  }

  @Test
  void pull_keepsExtendedAttributes() throws Exception {
    test.runtime().prepareImage(login("team/app:1", TestRegistry.PASSWORD), _ -> {});

    List<String> found = new ArrayList<>();
    try (var layers = Files.list(test.root().resolve("layers"))) {
      for (Path layer : layers.toList()) {
        if (Files.exists(layer.resolve("data/kept"))) {
          found.add(
              TestRuntime.RUNNER
                  .text(
                      "getfattr",
                      "--only-values",
                      "-n",
                      "user.colour",
                      layer.resolve("data/kept").toString())
                  .strip());
        }
      }
    }

    assertThat(found).containsOnly("blue").isNotEmpty();
  }

  @Test
  void pull_withAWrongLogin_saysSoAndKeepsTheSecret() {
    String wrong = "wrong-" + PreparedImage.class.hashCode();
    registry.push(directory.resolve("layout"), "team/locked:1");

    assertThatThrownBy(() -> test.runtime().prepareImage(login("team/locked:1", wrong), _ -> {}))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure -> assertThat(failure.code()).isEqualTo(ErrorCode.IMAGE_PULL_FAILED))
        .hasMessageStartingWith(
            "Failed to pull image " + registry.reference("team/locked:1") + ": ")
        .hasMessageContaining("unauthorized")
        .hasMessageNotContaining(wrong);
    assertThat(test.runtime().isImagePresent(login("team/locked:1", wrong))).isFalse();
  }

  @Test
  void pull_byMany_isDoneOnce() throws Exception {
    registry.push(directory.resolve("layout"), "team/shared:1");
    ImageRequest request = login("team/shared:1", TestRegistry.PASSWORD);
    List<String> progress = new CopyOnWriteArrayList<>();

    List<PreparedImage> images = new ArrayList<>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<PreparedImage>> pulls = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        pulls.add(threads.submit(() -> test.runtime().prepareImage(request, progress::add)));
      }
      for (Future<PreparedImage> pull : pulls) {
        images.add(pull.get());
      }
    }

    assertThat(images).hasSize(8).containsOnly(images.getFirst());
    assertThat(progress).filteredOn(line -> line.startsWith("pulling ")).hasSize(1);
  }

  @Test
  void images_surviveARestart() {
    ImageRequest request = login("team/app:1", TestRegistry.PASSWORD);
    PreparedImage before = test.runtime().prepareImage(request, _ -> {});

    test.restart();

    assertThat(test.runtime().isImagePresent(request)).isTrue();
    assertThat(test.runtime().prepareImage(request, _ -> {})).isEqualTo(before);
  }

  @Test
  void layoutAndArchive_areImagesToo() {
    Path archive = directory.resolve("app.tar");
    TestRuntime.RUNNER.text(
        "env",
        "HOME=" + directory,
        "skopeo",
        "copy",
        "--quiet",
        "--insecure-policy",
        "oci:" + directory.resolve("layout") + ":image",
        "docker-archive:" + archive + ":app:1");

    for (String reference :
        List.of("oci:" + directory.resolve("layout") + ":image", "docker-archive:" + archive)) {
      PreparedImage image = test.runtime().prepareImage(ImageRequest.of(reference), _ -> {});

      assertThat(test.outputOf(image, "cat", "/data/added")).isEqualTo("third\n");
    }
  }

  @Test
  void imagesOfAConfiguredLayout_areKnownByTheirNames() {
    ImageRequest request = ImageRequest.of("team/known:1");

    PreparedImage image = test.runtime().prepareImage(request, _ -> {});

    assertThat(test.runtime().isImagePresent(request)).isTrue();
    assertThat(test.outputOf(image, "cat", "/data/added")).isEqualTo("third\n");
  }

  @Test
  void file_outsideTheAllowedDirectories_isRefused() {
    assertThatThrownBy(() -> test.runtime().prepareImage(ImageRequest.of("oci:/etc"), _ -> {}))
        .hasMessageContaining("is not below a directory of local.image_dirs");
  }

  private static ImageRequest login(String name, String password) {
    return new ImageRequest(
        registry.reference(name),
        Optional.of(new ImageRequest.Auth(TestRegistry.USER, password)),
        Optional.empty());
  }
}
