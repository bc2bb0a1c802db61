package io.opensandbox.runtime.local.image;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What the image `host` takes from a machine, and what it leaves there.
class HostImageTest {
  @TempDir private Path directory;
  private Path host;

  @BeforeEach
  void machine() throws IOException {
    host = Files.createDirectory(directory.resolve("host"));
    write("etc/passwd", "rw-r--r--");
    write("etc/group", "rw-r--r--");
  }

  private Path write(String name, String permissions) throws IOException {
    Path file = host.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, name + "\n");
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
  }

  /// The bottom layer, with everything but the programs.
  private Path layer() {
    Layers layers = new Layers(directory.resolve("layers"), _ -> new Runner.Output(0, "", ""));
    Image image = new HostImage(host, layers).current();
    return layers.path(image.trees().getFirst().lowers().getFirst());
  }

  private static List<String> files(Path layer) throws IOException {
    try (Stream<Path> all = Files.walk(layer)) {
      return all.filter(path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))
          .map(path -> layer.relativize(path).toString())
          .sorted()
          .toList();
    }
  }

  @Test
  void onlyWhatIsListedAndForEverybody_isTaken() throws IOException {
    write("etc/os-release", "rw-r--r--");
    write("etc/ssl/certs/ca.pem", "rw-r--r--");
    write("etc/profile.d/open.sh", "rw-r--r--");
    write("etc/profile.d/closed.sh", "rw-------");
    write("etc/python3/below/closed.cfg", "rw-r--r--");
    Files.setPosixFilePermissions(
        host.resolve("etc/python3/below"), PosixFilePermissions.fromString("rwx------"));
    for (String secret :
        List.of(
            "etc/shadow",
            "etc/gshadow",
            "etc/ssh/ssh_host_ed25519_key",
            "etc/ssl/private/key.pem",
            "etc/sudoers",
            "etc/machine-id",
            "etc/netrc",
            "etc/environment",
            "etc/docker/daemon.json",
            "etc/kubernetes/admin.conf",
            "etc/something-new",
            "root/.ssh/id_ed25519",
            "root/.docker/config.json",
            "home/alice/notes",
            "var/lib/cloud/instance/user-data",
            "opt/secret")) {
      write(secret, "rw-r--r--");
    }

    assertThat(files(layer()))
        .containsExactly(
            "etc/group",
            "etc/os-release",
            "etc/passwd",
            "etc/profile.d/open.sh",
            "etc/ssl/certs/ca.pem",
            "var/lock",
            "var/run");
  }

  @Test
  void accounts_areTheSystems_withoutPasswords() throws IOException {
    Files.writeString(
        host.resolve("etc/passwd"),
        """
        root:$6$salt$hash:0:0:root:/root:/bin/bash
        daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
        alice:x:1000:1000:Alice:/home/alice:/bin/bash
        nobody:*:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
        """);
    Files.writeString(
        host.resolve("etc/group"), "root:x:0:\nsudo:$6$salt$hash:27:alice\nalice:x:1000:\n");

    Path layer = layer();

    assertThat(layer.resolve("etc/passwd"))
        .hasContent(
            """
            root:x:0:0:root:/root:/bin/bash
            daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
            nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
            """);
    assertThat(layer.resolve("etc/group")).hasContent("root:x:0:\nsudo:x:27:\n");
  }
}
