package io.opensandbox.runtime.docker.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.VolumeMount;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class OssfsVolumesTest {
  private final OssfsVolumes volumes = new OssfsVolumes(Path.of("/mnt/ossfs"), new FakeMountHost());

  private static VolumeMount.Ossfs mount(
      String bucket, String endpoint, String version, String option, String key, String subPath) {
    return new VolumeMount.Ossfs(
        "v",
        "/oss",
        false,
        Optional.of(subPath),
        bucket,
        endpoint,
        version,
        List.of(option),
        key,
        "s3cr3t-value");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "' '|oss.test|2.0|a=b|k|''|VOLUME_INVALID_OSSFS_BUCKET",
        "bucket|' '|2.0|a=b|k|''|VOLUME_INVALID_OSSFS_ENDPOINT",
        "bucket|oss.test|2.0|-o|k|''|VOLUME_INVALID_OSSFS_OPTION",
        "bucket|oss.test|2.0|' '|k|''|VOLUME_INVALID_OSSFS_OPTION",
        "bucket|oss.test|2.0|a=b|' '|''|VOLUME_INVALID_OSSFS_CREDENTIALS",
        "bucket|oss.test|3.0|a=b|k|''|VOLUME_INVALID_OSSFS_VERSION",
        "BUCKET|oss.test|2.0|a=b|k|''|INVALID_PARAMETER",
        "bucket|oss test|2.0|a=b|k|''|INVALID_PARAMETER",
        "bucket|oss;test|2.0|a=b|k|''|INVALID_PARAMETER",
        "bucket|oss.test|2.0|a=$(b)|k|''|INVALID_PARAMETER",
        "bucket|oss.test|2.0|a=b|k|../other|VOLUME_INVALID_SUB_PATH",
        "bucket|oss.test|2.0|a=b|'k\nx'|''|VOLUME_INVALID_OSSFS_CREDENTIALS",
      })
  void everyFaultHasItsCode(
      String bucket,
      String endpoint,
      String version,
      String option,
      String key,
      String subPath,
      ErrorCode code) {
    assertThatThrownBy(() -> volumes.check(mount(bucket, endpoint, version, option, key, subPath)))
        .isInstanceOfSatisfying(
            SandboxException.class, failure -> assertThat(failure.code()).isEqualTo(code))
        .hasMessageNotContaining("s3cr3t-value");
  }

  @Test
  void machineWithoutTheProgramOrFuse_refusesAndNamesWhatIsMissing() {
    FakeMountHost bare = new FakeMountHost();
    OssfsVolumes refusing = new OssfsVolumes(Path.of("/mnt/ossfs"), bare);
    VolumeMount.Ossfs good = mount("bucket", "oss.test", "2.0", "a=b", "k", "");
    VolumeMount.Ossfs first = mount("bucket", "oss.test", "1.0", "a=b", "k", "");

    refusing.check(good);
    assertThat(refusing.isPossible()).isTrue();
    bare.programs.remove("ossfs2");
    refusing.check(first);
    assertRefused(refusing, good, "\"ossfs2\" is not installed");
    bare.fuse = false;
    assertRefused(refusing, first, "the host has no /dev/fuse");
    assertThat(refusing.isPossible()).isFalse();
  }

  private static void assertRefused(OssfsVolumes volumes, VolumeMount.Ossfs mount, String why) {
    assertThatThrownBy(() -> volumes.check(mount))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure -> assertThat(failure.code()).isEqualTo(ErrorCode.VOLUME_OSSFS_MOUNT_FAILED))
        .hasMessageContaining(why);
  }

  @Test
  void relativeRoot_isTheServersFault() {
    OssfsVolumes relative = new OssfsVolumes(Path.of("mnt"), new FakeMountHost());

    assertThatThrownBy(() -> relative.check(mount("bucket", "oss.test", "2.0", "a", "k", "")))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure ->
                assertThat(failure.code()).isEqualTo(ErrorCode.VOLUME_INVALID_OSSFS_MOUNT_ROOT));
  }
}
