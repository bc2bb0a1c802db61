package io.opensandbox.e2e.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.e2e.testbed.DerivedImage;
import io.opensandbox.e2e.testbed.Images;
import io.opensandbox.e2e.testbed.Testbed;
import io.opensandbox.e2e.wire.Execution;
import io.opensandbox.e2e.wire.Server;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Images with less in them, or with another user, than one would like.
class UnusualImagesIT {
  @ParameterizedTest
  @EnumSource
  void everyImage_getsExecdAndFiles(Images image) {
    var request = Server.request(image.reference(), entrypoint(image));
    try (var sandbox = Testbed.create(request)) {
      sandbox.execd().write("/tmp/x.txt", "x");

      assertThat(sandbox.execd().read("/tmp/x.txt")).asString().isEqualTo("x");
      for (var path : List.of("/opt/opensandbox/execd", "/opt/opensandbox/bootstrap.sh")) {
        assertThat(sandbox.execd().http().send("GET", "/files/info?path=" + path).status())
            .as(path)
            .isEqualTo(200);
      }
      var inside = sandbox.execd().http().send("GET", "/directories/list?path=/opt/opensandbox");
      assertThat(inside.expect(200).json().items())
          .filteredOn(entry -> !entry.text("path").startsWith("/opt/opensandbox/."))
          .isNotEmpty()
          .allSatisfy(entry -> assertThat(entry.text("type")).isEqualTo("file"));
    }
  }

  @Test
  void withoutAShell_aShellCommandSaysWhy() {
    var request = Server.request(Images.NO_SHELL.reference(), entrypoint(Images.NO_SHELL));
    try (var sandbox = Testbed.create(request)) {
      var execution = sandbox.execd().run("echo x");

      assertThat(execution.types()).containsExactly("init", "error");
      assertThat(execution.error().orElseThrow().text("ename")).isEqualTo("CommandExecError");
      assertThat(execution.error().orElseThrow().text("evalue")).contains("sh");
    }
  }

  @Test
  void nonRootUser_works() {
    var image = DerivedImage.of(Images.PYTHON, "USER 1000:1000");
    try (var sandbox = Testbed.create(Server.request(image))) {
      var execd = sandbox.execd();

      assertThat(execd.run("id -u").stdout()).containsExactly("1000");
      execd.write("/tmp/mine.txt", "mine");
      assertThat(execd.read("/tmp/mine.txt")).asString().isEqualTo("mine");
      Execution other = execd.run(Map.of("command", "id -u", "uid", 0, "gid", 0), _ -> {});
      assertThat(other.stdout()).isEmpty();
      assertThat(other.types()).endsWith("error");
    }
  }

  private static String[] entrypoint(Images image) {
    return image.hasShell() ? new String[0] : new String[] {"/pause"};
  }
}
