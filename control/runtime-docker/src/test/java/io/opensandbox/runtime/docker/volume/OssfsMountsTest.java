package io.opensandbox.runtime.docker.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.VolumeMount;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class OssfsMountsTest {
  private static final String SECRET = "s3cr3t-value";

  @TempDir Path folder;
  private final FakeMountHost host = new FakeMountHost();
  private final Set<String> used = new HashSet<>();
  private Path root;
  private OssfsMounts mounts;

  @BeforeEach
  void open() throws Exception {
    root = folder.resolve("mnt");
    Path credentials = Files.createDirectory(folder.resolve("credentials"));
    mounts = new OssfsMounts(root, host, credentials, () -> used);
  }

  static VolumeMount.Ossfs bucket(String version, String subPath, String key) {
    return new VolumeMount.Ossfs(
        "v",
        "/oss",
        false,
        Optional.of(subPath),
        "bucket",
        "oss.test",
        version,
        List.of("allow_other", "max_stat=1"),
        key,
        SECRET);
  }

  @Test
  void firstVersion_getsItsCredentialsInAFileForTheTimeOfTheCommand() throws Exception {
    Path place = mounts.hold(bucket("1.0", "data/", "id"), "a");

    assertThat(host.commands)
        .singleElement()
        .asString()
        .matches(
            "/bin/ossfs bucket:/data "
                + place
                + " -o url=https://oss\\.test -o passwd_file="
                + folder
                + "/credentials/opensandbox-ossfs-inline-[0-9a-f]{32} -o allow_other -o max_stat=1");
    assertThat(host.credentials).isEqualTo("rw-------\nbucket:id:" + SECRET + "\n");
    assertThat(folder.resolve("credentials")).isEmptyDirectory();
  }

  @Test
  void secondVersion_getsAConfigurationForTheTimeOfTheCommand() throws Exception {
    Path place = mounts.hold(bucket("2.0", "data", "id"), "a");

    assertThat(host.commands)
        .singleElement()
        .asString()
        .matches(
            "/bin/ossfs2 mount "
                + place
                + " -c "
                + folder
                + "/credentials/opensandbox-ossfs2-[0-9a-f]{32}\\.conf");
    assertThat(host.credentials)
        .isEqualTo(
            """
            rw-------
            --oss_endpoint=https://oss.test
            --oss_bucket=bucket
            --oss_access_key_id=id
            --oss_access_key_secret=%s
            --oss_bucket_prefix=data/
            --allow_other
            --max_stat=1
            """
                .formatted(SECRET));
    assertThat(folder.resolve("credentials")).isEmptyDirectory();
  }

  @Test
  void sameBucketIsMountedOnce_withOtherCredentialsElsewhere() {
    Path place = mounts.hold(bucket("2.0", "", "id"), "a");

    assertThat(mounts.hold(bucket("2.0", "", "id"), "b")).isEqualTo(place);
    assertThat(host.commands).hasSize(1);
    assertThat(mounts.hold(bucket("2.0", "", "other"), "c")).isNotEqualTo(place);
    assertThat(mounts.hold(bucket("2.0", "sub", "id"), "d")).isNotEqualTo(place);
    assertThat(host.mounts).hasSize(3).allMatch(one -> one.startsWith(root));
  }

  @Test
  void failure_saysWhatTheProgramSaidWithoutSecrets_andLeavesNothing() {
    host.failure = "ossfs2 failed: id:" + SECRET + " is denied";

    assertThatThrownBy(() -> mounts.hold(bucket("2.0", "", "id"), "a"))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure -> assertThat(failure.code()).isEqualTo(ErrorCode.VOLUME_OSSFS_MOUNT_FAILED))
        .hasMessageContaining("***:*** is denied")
        .hasMessageNotContaining(SECRET);
    assertThat(root).isDirectoryNotContaining(Files::isDirectory);
    assertThat(folder.resolve("credentials")).isEmptyDirectory();
    assertThat(mounts.removeUnused()).isZero();
  }

  @Test
  void onlyWhatNobodyHasIsUnmounted() throws Exception {
    Path foreign = Files.createDirectories(root.resolve("operators/own"));
    host.mounts.add(foreign);
    Path held = mounts.hold(bucket("2.0", "held", "id"), "a");
    Path inUse = mounts.hold(bucket("2.0", "used", "id"), "b");
    Path unused = mounts.hold(bucket("2.0", "unused", "id"), "b");
    used.add(inUse.toString());

    assertThat(mounts.removeUnused()).isZero();
    mounts.release("b");
    assertThat(mounts.removeUnused()).isEqualTo(1);

    assertThat(host.mounts).containsExactlyInAnyOrder(foreign, held, inUse);
    assertThat(unused.getParent()).doesNotExist();
    mounts.release("a");
    used.clear();
    assertThat(mounts.removeUnused()).isEqualTo(2);
    assertThat(host.mounts).containsExactly(foreign);
  }

  @Test
  void unmountFallsBackToUmount_andIsTriedAgainAfterBothFailed() {
    host.programs.remove("fusermount");
    Path place = mounts.hold(bucket("2.0", "", "id"), "a");
    mounts.release("a");
    host.failure = "busy";

    assertThat(mounts.removeUnused()).isZero();
    assertThat(host.mounts).containsExactly(place);
    host.failure = "";
    assertThat(mounts.removeUnused()).isEqualTo(1);
    assertThat(host.commands.getLast()).isEqualTo("/bin/umount " + place);
  }

  @Test
  void bucketThatAnotherServerIsAboutToUse_staysUntilThatServerEnds() throws Exception {
    Process other = startHolder();
    try (var said = other.inputReader()) {
      Path place = Path.of(String.valueOf(said.readLine()));
      host.mounts.add(place); // the kernel shows it to both

      assertThat(mounts.removeUnused()).isZero();
      assertThat(mounts.hold(bucket("2.0", "", "id"), "a")).isEqualTo(place);
      mounts.release("a");
      assertThat(mounts.removeUnused()).isZero();
      assertThat(host.commands).isEmpty();

      other.destroyForcibly().waitFor();
      assertThat(mounts.removeUnused()).isEqualTo(1);
      assertThat(host.mounts).isEmpty();
    } finally {
      other.destroyForcibly().waitFor();
    }
  }

  private Process startHolder() throws Exception {
    var command =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            BucketHolder.class.getName(),
            root.toString(),
            folder.resolve("credentials").toString());
    return command.redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  @Test
  void bucketOfAnotherServerInThisProcess_staysToo_andIsFreeAfterwards() {
    var other = new OssfsMounts(root, host, folder.resolve("credentials"), () -> used);
    Path place = other.hold(bucket("2.0", "", "id"), "b");

    assertThat(mounts.removeUnused()).isZero();
    other.release("b");

    assertThat(mounts.removeUnused()).isEqualTo(1);
    assertThat(place).doesNotExist();
  }
}
