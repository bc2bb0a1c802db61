package io.opensandbox.runtime.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Capabilities.Feature;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.SingleLimit;
import io.opensandbox.runtime.local.process.HostRunner;
import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a machine does not allow is refused with the reason, and not offered: never left out in
/// silence. [RootlessIT] runs it for those whom a machine allows least.
class HostRefusalIT {
  private TestRuntime test;

  @BeforeEach
  void open() {
    test =
        TestRuntime.open(config ->
            TestRuntime.withSources(
                config,
                new LocalConfig.ImageSources(
                    List.of(config.dataDirectory().resolveSibling("images")),
                    List.of(),
                    List.of())));
  }

  @AfterEach
  void close() {
    test.close();
  }

  private static void assertRefused(ErrorCode code, ThrowingCallable call, String reason) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            SandboxException.class, failure -> assertThat(failure.code()).isEqualTo(code))
        .hasMessageContaining(reason);
  }

  private void assertDoesNotStart(Runner runner, String reason) {
    test.runtime().close();
    try {
      assertRefused(ErrorCode.RUNTIME_UNAVAILABLE, () -> test.openWith(runner).close(), reason);
    } finally {
      test.reopen();
    }
    assertThat(test.outputOf(test.host(), "echo", "runs again")).isEqualTo("runs again\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bwrap", "ip", "nft", "svlogd", "pasta"})
  void programThatIsMissing_isNamed(String name) throws IOException {
    assumeFalse(name.equals("pasta") && !TestRuntime.isRootless(), "root needs none");
    Path programs = Files.createDirectory(test.directory().resolve("programs"));
    TestRuntime.RUNNER.text(
        "sh",
        "-c",
        "ln -sf -t \"$1\" /bin/* /sbin/* /usr/bin/* /usr/sbin/* && rm \"$1/$2\"",
        "sh",
        programs.toString(),
        name);

    assertDoesNotStart(new HostRunner(programs.toString()), "there is no " + name);
  }

  @Test
  void overlaysThatTheKernelForbids_areNamed() {
    Runner forbidding =
        command ->
            command.argv().stream().anyMatch(word -> word.contains("mount -t overlay"))
                ? new Runner.Output(1, "", "mount: permission denied (are you root?)")
                : TestRuntime.RUNNER.run(command);

    assertDoesNotStart(forbidding, "permission denied");
  }

  @Test
  void limitsThatNothingEnforces_areRefused() {
    assumeFalse(has(Feature.RESOURCE_LIMITS), "this host enforces them");

    for (ResourceLimits limits :
        List.of(
            SingleLimit.cpu(500_000_000), SingleLimit.memory(64L << 20), SingleLimit.pids(64))) {
      assertRefused(
          ErrorCode.INVALID_PARAMETER,
          () -> test.start(test.host(), limits, "true"),
          "this host gives the server's user no cgroups");
    }
  }

  @Test
  void diskLimitThatNothingEnforces_isRefused() {
    assumeFalse(has(Feature.DISK_QUOTA), "this host enforces it");
    ResourceLimits limits = SingleLimit.disk(64L << 20);

    assertRefused(
        ErrorCode.INVALID_PARAMETER,
        () -> test.start(test.host(), limits, "true"),
        "sandboxes have no disk quotas");
  }

  @Test
  void imageWithFilesOfUsersWhomTheServerLacks_isRefused() throws IOException {
    assumeFalse(has(Feature.IMAGE_USERS), "this user has others");
    Path images = Files.createDirectory(test.directory().resolve("images"));
    TestRuntime.RUNNER.text(
        "sh",
        "-c",
        "cd \"$1\" && echo x >x && tar --owner=1234 --group=2345 -cf layer.tar x",
        "sh",
        images.toString());
    TestImages.write(
        images.resolve("layout"), "amd64", List.of("image"), List.of(images.resolve("layer.tar")));

    assertRefused(
        ErrorCode.IMAGE_PULL_FAILED,
        () ->
            test.runtime()
                .prepareImage(
                    ImageRequest.of("oci:" + images.resolve("layout") + ":image"), _ -> {}),
        "it has files of other users");
  }

  private boolean has(Feature feature) {
    return test.runtime().capabilities().has(feature);
  }
}
