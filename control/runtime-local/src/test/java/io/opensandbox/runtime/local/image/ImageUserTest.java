package io.opensandbox.runtime.local.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.runtime.local.record.SandboxRecord.Tree;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageUserTest {
  @TempDir Path layers;
  private LayeredRoot root;

  @BeforeEach
  void writeAccounts() throws IOException {
    Path etc = Files.createDirectories(layers.resolve("l/etc"));
    Files.writeString(
        etc.resolve("passwd"),
        """
        root:x:0:0:root:/root:/bin/sh
        app:x:1234:2345:an app:/srv/app:/bin/sh
        broken
        """);
    Files.writeString(etc.resolve("group"), "root:x:0:\nstaff:x:50:app,other\nwww:x:33:\n");
    root = new LayeredRoot(List.of(new Tree("/", List.of("l"))), layers::resolve);
  }

  @ParameterizedTest
  @CsvSource({
    "'',0:0,/root",
    "root,0:0,/root",
    "app,'1234:2345,50',/srv/app",
    "1234,'1234:2345,50',/srv/app",
    "app:www,1234:33,/srv/app",
    "app:7,1234:7,/srv/app",
    "4321,4321:0,/",
    "4321:8765,4321:8765,/"
  })
  void user_isResolvedInTheImage(String user, String ids, String home) {
    ImageUser found = ImageUser.resolve(user, root);

    assertThat(found.ids()).isEqualTo(ids);
    assertThat(found.home()).isEqualTo(home);
  }

  @Test
  void unknownName_isAnError() {
    assertThatThrownBy(() -> ImageUser.resolve("nobody-here", root))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("unable to find user nobody-here: no matching entries in passwd file");
    assertThatThrownBy(() -> ImageUser.resolve("app:nothing", root))
        .hasMessage("unable to find group nothing: no matching entries in group file");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"2147483648", "4294967295", "9999999999", "app:4294967295", "far", "far-group"})
  void numberThatNoUserHas_isAnError(String user) throws IOException {
    Path passwd = layers.resolve("l/etc/passwd");
    Files.writeString(
        passwd, "far:x:4294967295:0:::\nfar-group:x:1:4294967295:::\n", StandardOpenOption.APPEND);

    assertThatThrownBy(() -> ImageUser.resolve(user, root))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("users and groups are 0 to 2147483647");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {":", "app:", " app", "app\n", "-1", "+1", "0x0", "app:staff:www", "\u0663"})
  void textThatIsNoUser_isAnError(String user) {
    assertThatThrownBy(() -> ImageUser.resolve(user, root))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("unable to find");
  }

  @Test
  void accountsInAnyEncoding_areRead() throws IOException {
    Files.write(
        layers.resolve("l/etc/passwd"),
        "j\u00f6rg:x:7:8:J\u00f6rg:/:\napp:x:5:6:::\n".getBytes(StandardCharsets.ISO_8859_1));

    assertThat(ImageUser.resolve("app", root).ids()).isEqualTo("5:6,50");
  }

  /// A file of an image may be of any length, and nearly nothing on the disk.
  @Test
  void endlessAccounts_areAnError() throws IOException {
    try (var passwd = FileChannel.open(layers.resolve("l/etc/passwd"), StandardOpenOption.WRITE)) {
      passwd.write(ByteBuffer.wrap(new byte[1]), 1L << 40);
    }

    assertThatThrownBy(() -> ImageUser.resolve("app", root))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the image's /etc/passwd has more than 4194304 bytes");
  }

  /// Never waited for, never read.
  @Test
  void accountsThatAreAPipe_areNone() throws Exception {
    Files.delete(layers.resolve("l/etc/passwd"));
    new ProcessBuilder("mkfifo", layers.resolve("l/etc/passwd").toString()).start().waitFor();

    assertThat(ImageUser.resolve("5:6", root).ids()).isEqualTo("5:6");
  }
}
