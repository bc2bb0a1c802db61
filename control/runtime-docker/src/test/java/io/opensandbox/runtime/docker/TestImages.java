package io.opensandbox.runtime.docker;

import io.opensandbox.runtime.HostProgram;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/// Images made on the spot from the host's static busybox, under one repository of the tests' own.
final class TestImages {
  static final String BUSYBOX = "osb-docker-it/busybox:1";
  static final String EXECD = "osb-docker-it/execd:1";
  static final String FOREIGN_EXECD = "osb-docker-it/execd-foreign:1";
  static final String NO_BOOTSTRAP = "osb-docker-it/execd-without-bootstrap:1";
  static final String NO_EXECD = "osb-docker-it/execd-without-execd:1";
  static final String FAILING_INSTALL = "osb-docker-it/execd-failing-install:1";
  static final String NO_SHELL = "osb-docker-it/no-shell:1";
  static final String NON_ROOT = "osb-docker-it/non-root:1";
  static final String LABELLED = "osb-docker-it/labelled:1";
  static final String WITH_VOLUME = "osb-docker-it/with-volume:1";

  private static final Path HOST_BUSYBOX = Path.of("/bin/busybox");
  private static final List<String> APPLETS =
      List.of(
          "sh", "ls", "cat", "sleep", "echo", "true", "id", "tr", "mkdir", "dirname", "touch", "cp",
          "chmod", "test", "httpd", "stat", "wget", "nc", "kill", "env");
  private static final String TREE = ".execd-0123456789abcdef";
  private static final String LABEL = "LABEL io.opensandbox.execd.install=1";

  /// Works in any image, like the real one: its interpreter comes with it.
  private static final String OUR_EXECD =
      """
      #!/opt/opensandbox/%1$s/busybox sh
      B=/opt/opensandbox/%1$s/busybox
      case "$1" in
      install)
        $B mkdir -p "$2/%1$s" && $B cp $B "$2/%1$s/busybox" &&
          $B cp /execd /bootstrap.sh "$2/" && $B chmod 755 "$2/execd" "$2/bootstrap.sh" ;;
      bootstrap)
        shift 2
        /opt/opensandbox/execd &
        exec "$@" ;;
      *) exec $B httpd -f -p 44772 -h /opt/opensandbox ;;
      esac
      """
          .formatted(TREE);

  private static final String BOOTSTRAP =
      """
      #!/bin/sh
      /opt/opensandbox/execd &
      exec "$@"
      """;

  private TestImages() {}

  /// Why the images cannot be made here; empty when they can.
  static Optional<String> obstacle() {
    if (!Files.isExecutable(HOST_BUSYBOX)) {
      return Optional.of("no static busybox at " + HOST_BUSYBOX + " (package busybox-static)");
    }
    try {
      HostProgram.run(List.of("docker", "version"));
      return Optional.empty();
    } catch (UncheckedIOException | IllegalStateException e) {
      return Optional.of("no Docker engine answers: " + e.getMessage());
    }
  }

  /// Makes those that are not there.
  static void make() throws IOException {
    byte[] busybox = Files.readAllBytes(HOST_BUSYBOX);
    Tree base = new Tree().file("bin/busybox", 0755, busybox).directory("tmp", 01777);
    APPLETS.forEach(applet -> base.link("bin/" + applet, "busybox"));
    base.importAs(BUSYBOX);
    base.importAs(NON_ROOT, "USER 1000:1000");
    base.importAs(LABELLED, "LABEL maintainer=somebody opensandbox.io/expires-at=2020-01-01");
    base.importAs(WITH_VOLUME, "VOLUME /scratch");
    new Tree().file("sleep", 0755, busybox).importAs(NO_SHELL);

    ours(OUR_EXECD, busybox).file("bootstrap.sh", 0755, bytes(BOOTSTRAP)).importAs(EXECD, LABEL);
    ours(OUR_EXECD, busybox).importAs(NO_BOOTSTRAP, LABEL);
    ours(
            "#!/opt/opensandbox/" + TREE + "/busybox sh\nmkdir $2/half; echo no luck; exit 7\n",
            busybox)
        .file("bootstrap.sh", 0755, bytes(BOOTSTRAP))
        .importAs(FAILING_INSTALL, LABEL);
    new Tree()
        .file("execd", 0644, bytes("#!/bin/sh\nexec httpd -f -p 44772 -h /opt/opensandbox\n"))
        .file("bootstrap.sh", 0644, bytes(BOOTSTRAP))
        .importAs(FOREIGN_EXECD);
    new Tree().file("bootstrap.sh", 0755, bytes(BOOTSTRAP)).importAs(NO_EXECD);
  }

  private static Tree ours(String execd, byte[] busybox) {
    return new Tree()
        .file("execd", 0755, bytes(execd))
        .file("opt/opensandbox/" + TREE + "/busybox", 0755, busybox);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /// A root file system in the making.
  private static final class Tree {
    private final Map<TarArchiveEntry, byte[]> entries = new LinkedHashMap<>();

    Tree file(String path, int mode, byte[] content) {
      return add(path, TarConstants.LF_NORMAL, mode, "", content);
    }

    Tree directory(String path, int mode) {
      return add(path + "/", TarConstants.LF_DIR, mode, "", new byte[0]);
    }

    Tree link(String path, String target) {
      return add(path, TarConstants.LF_SYMLINK, 0777, target, new byte[0]);
    }

    private Tree add(String path, byte type, int mode, String target, byte[] content) {
      TarArchiveEntry entry = new TarArchiveEntry(path, type);
      entry.setMode(mode);
      entry.setLinkName(target);
      entry.setSize(content.length);
      entries.put(entry, content);
      return this;
    }

    void importAs(String reference, String... changes) {
      String there = HostProgram.run(List.of("docker", "images", "-q", reference));
      if (!there.isBlank()) {
        return;
      }
      List<String> command = new ArrayList<>(List.of("docker", "import"));
      for (String change : changes) {
        command.addAll(List.of("--change", change));
      }
      command.addAll(List.of("-", reference));
      HostProgram.run(tar(), command);
    }

    private byte[] tar() {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
        for (Map.Entry<TarArchiveEntry, byte[]> entry : entries.entrySet()) {
          tar.putArchiveEntry(entry.getKey());
          tar.write(entry.getValue());
          tar.closeArchiveEntry();
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return bytes.toByteArray();
    }
  }
}
