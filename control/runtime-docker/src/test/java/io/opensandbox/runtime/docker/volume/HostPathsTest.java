package io.opensandbox.runtime.docker.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.VolumeMount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class HostPathsTest {
  @TempDir Path folder;

  private Path root;

  @BeforeEach
  void useRealPath() throws IOException {
    root = folder.toRealPath();
  }

  private static VolumeMount.Host mount(String path, String subPath) {
    return new VolumeMount.Host("v", "/mnt", false, Optional.of(subPath), path);
  }

  private static void assertFails(ErrorCode code, HostPaths paths, VolumeMount.Host mount) {
    assertThatThrownBy(() -> paths.resolve(mount))
        .isInstanceOfSatisfying(
            SandboxException.class, failure -> assertThat(failure.code()).isEqualTo(code));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "relative", "/a/../b", "/a/..", "/a//b", "/a/", "C:\\data", "/a:b"})
  void malformedPath_isRefused(String path) {
    assertFails(ErrorCode.VOLUME_INVALID_HOST_PATH, new HostPaths(List.of("/a")), mount(path, ""));
  }

  @ParameterizedTest
  @CsvSource({"/data,/data,true", "/data/,/data/x,true", "/data,/database,false", "/,/etc,false"})
  void prefixCountsAtPathBoundaries(String prefix, String path, boolean admitted) {
    HostPaths paths = new HostPaths(List.of(prefix));

    if (admitted) {
      assertThat(paths.resolve(mount(path, ""))).isEqualTo(Path.of(path));
    } else {
      assertFails(ErrorCode.VOLUME_HOST_PATH_NOT_ALLOWED, paths, mount(path, ""));
    }
  }

  @Test
  void emptyListRefusesEverything() {
    assertFails(
        ErrorCode.VOLUME_HOST_PATH_NOT_ALLOWED, new HostPaths(List.of()), mount("/data", ""));
  }

  @Test
  void rootPrefixAdmitsOnlyItself() {
    assertThat(new HostPaths(List.of("/")).resolve(mount("/", ""))).isEqualTo(Path.of("/"));
  }

  @Test
  void subPathIsAppended() {
    HostPaths paths = new HostPaths(List.of(root.toString()));

    assertThat(paths.resolve(mount(root.toString(), "a/./b"))).isEqualTo(root.resolve("a/b"));
  }

  @Test
  void linkOutOfThePrefix_isRefused() throws IOException {
    Path allowed = Files.createDirectory(root.resolve("allowed"));
    Path outside = Files.createDirectory(root.resolve("outside"));
    Files.createSymbolicLink(allowed.resolve("link"), outside);
    HostPaths paths = new HostPaths(List.of(allowed.toString()));

    assertFails(
        ErrorCode.VOLUME_HOST_PATH_NOT_ALLOWED, paths, mount(allowed.resolve("link") + "", ""));
    assertFails(
        ErrorCode.VOLUME_HOST_PATH_NOT_ALLOWED, paths, mount(allowed.toString(), "link/new"));
  }

  @Test
  void prefixThatIsALink_admitsWhatItPointsTo() throws IOException {
    Path target = Files.createDirectory(root.resolve("target"));
    Path link = Files.createSymbolicLink(root.resolve("link"), target);
    HostPaths paths = new HostPaths(List.of(link.toString()));

    assertThat(paths.resolve(mount(link + "/data", ""))).isEqualTo(target.resolve("data"));
  }

  @Test
  void missingDirectoryIsMade_existingFileIsKept() throws IOException {
    HostPaths paths = new HostPaths(List.of(root.toString()));
    Path file = Files.writeString(root.resolve("disk.iso"), "x");

    paths.makeDirectory(mount("/x", ""), root.resolve("a/b"));
    paths.makeDirectory(mount("/x", ""), file);

    assertThat(root.resolve("a/b")).isDirectory();
    assertThat(file).isRegularFile();
    assertThatThrownBy(() -> paths.makeDirectory(mount("/x", ""), file.resolve("below")))
        .isInstanceOfSatisfying(
            SandboxException.class,
            failure ->
                assertThat(failure.code()).isEqualTo(ErrorCode.VOLUME_HOST_PATH_CREATE_FAILED));
  }
}
