package io.opensandbox.runtime.local.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.runtime.local.record.SandboxRecord.Tree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
}
