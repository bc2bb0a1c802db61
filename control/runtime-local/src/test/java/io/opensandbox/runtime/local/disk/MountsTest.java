package io.opensandbox.runtime.local.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class MountsTest {
  private static final List<String> TABLE =
      List.of(
          "25 1 254:0 / / rw,relatime - ext4 /dev/root rw",
          "54 25 0:49 / /data/notes rw,relatime - tmpfs opensandbox-notes rw,mode=700",
          "55 25 0:50 / /my\\040data,\\040all/disk rw - btrfs /dev/loop0 rw",
          "56 25 0:51 / /back\\134slash/a\\011tab rw shared:3 - tmpfs none rw");

  private static boolean has(String directory, String type) {
    return Mounts.has(TABLE, Path.of(directory), type);
  }

  @Test
  void isFoundByPlaceAndType() {
    assertThat(has("/data/notes", "tmpfs")).isTrue();
    assertThat(has("/data/notes", "btrfs")).isFalse();
    assertThat(has("/data", "tmpfs")).isFalse();
    assertThat(has("/notes", "tmpfs")).isFalse();
  }

  @Test
  void charactersThatTheKernelWritesByNumber_areKnown() {
    assertThat(has("/my data, all/disk", "btrfs")).isTrue();
    assertThat(has("/back\\slash/a\ttab", "tmpfs")).isTrue();
  }
}
