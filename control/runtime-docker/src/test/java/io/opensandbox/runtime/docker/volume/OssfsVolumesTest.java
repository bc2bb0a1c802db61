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
  private final OssfsVolumes volumes = new OssfsVolumes(Path.of("/mnt/ossfs"));

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
        "bucket|oss.test|2.0|a=b|k|''|VOLUME_OSSFS_MOUNT_FAILED",
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
  void relativeRoot_isTheServersFault() {
    OssfsVolumes relative = new OssfsVolumes(Path.of("mnt"));

    assertThatThrownBy(() -> relative.check(mount("bucket", "oss.test", "2.0", "a", "k", "")))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure ->
                assertThat(failure.code()).isEqualTo(ErrorCode.VOLUME_INVALID_OSSFS_MOUNT_ROOT));
  }
}
