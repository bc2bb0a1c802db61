package io.opensandbox.runtime.docker.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.VolumeMount;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class MountPathsTest {
  private static VolumeMount mount(String name, String target, String subPath) {
    return new VolumeMount.Named(name, target, false, Optional.of(subPath), name, true, false);
  }

  private static void assertFails(ErrorCode code, VolumeMount... mounts) {
    assertThatThrownBy(() -> MountPaths.check(List.of(mounts)))
        .isInstanceOfSatisfying(
            SandboxException.class, failure -> assertThat(failure.code()).isEqualTo(code));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "relative",
        "/a:b",
        "/",
        "/opt",
        "/opt/opensandbox",
        "/opt/opensandbox/",
        "/opt/x/../opensandbox/data",
        "/opt/opensandbox/.env"
      })
  void mountOverWhatIsOurs_orNowhere_isRefused(String target) {
    assertFails(ErrorCode.VOLUME_INVALID_MOUNT_PATH, mount("a", target, ""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/data", "/opt/opensandbox2", "/opt/app", "/home/me/.cache"})
  void otherPlaces_areFine(String target) {
    assertThatCode(() -> MountPaths.check(List.of(mount("a", target, "x/y"))))
        .doesNotThrowAnyException();
  }

  @Test
  void onePlaceForTwoVolumes_isRefused() {
    assertFails(
        ErrorCode.VOLUME_INVALID_MOUNT_PATH, mount("a", "/data", ""), mount("b", "/data/", ""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/abs", "..", "a/../b", "a:b", "a\0b"})
  void subPathThatLeaves_isRefused(String subPath) {
    assertFails(ErrorCode.VOLUME_INVALID_SUB_PATH, mount("a", "/data", subPath));
  }
}
