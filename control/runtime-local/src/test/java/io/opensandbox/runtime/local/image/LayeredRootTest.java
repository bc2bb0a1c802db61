package io.opensandbox.runtime.local.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.runtime.local.record.SandboxRecord.Tree;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LayeredRootTest {
  @TempDir Path layers;
  private LayeredRoot root;

  @BeforeEach
  void makeLayers() throws IOException {
    Files.createDirectories(layers.resolve("low/a/b"));
    Files.createDirectories(layers.resolve("low/hidden"));
    Files.createDirectories(layers.resolve("top/hidden"));
    Files.createDirectories(layers.resolve("usr/bin"));
    Files.writeString(layers.resolve("low/a/file"), "low");
    Files.writeString(layers.resolve("low/hidden/file"), "low");
    Files.writeString(layers.resolve("low/shadowed"), "low");
    Files.writeString(layers.resolve("top/shadowed"), "top");
    Files.writeString(layers.resolve("usr/bin/sh"), "usr");
    link("low/bin", "usr/bin");
    link("low/absolute", "/a/b");
    link("low/up", "../../../../a");
    link("low/loop", "loop");
    root =
        new LayeredRoot(
            List.of(
                new Tree("/", List.of("top", "low")),
                new Tree("/usr", List.of(layers.resolve("usr").toString()))),
            layers::resolve);
  }

  private void link(String at, String target) throws IOException {
    Files.createSymbolicLink(layers.resolve(at), Path.of(target));
  }

  @ParameterizedTest
  @CsvSource({
    "/a/b,/a/b",
    "/bin/sh,/usr/bin/sh",
    "/absolute/new,/a/b/new",
    "/up/b,/a/b",
    "/../../etc,/etc",
    "/a/./b/../x,/a/x",
    "/nothing/there,/nothing/there"
  })
  void links_areFollowedInsideTheRoot(String path, String resolved) {
    assertThat(root.resolve(path)).isEqualTo(resolved);
  }

  @Test
  void circles_areRefused() {
    assertThatThrownBy(() -> root.resolve("/loop/x"))
        .isInstanceOf(LayeredRoot.EndlessLinks.class)
        .hasMessage("too many links in \"/loop/x\"");
  }

  @Test
  void file_isThatOfTheTopmostLayer() throws IOException {
    assertThat(root.file("/shadowed")).map(LayeredRootTest::read).contains("top");
    assertThat(root.file("/a/file")).map(LayeredRootTest::read).contains("low");
    assertThat(root.file("/bin/sh")).map(LayeredRootTest::read).contains("usr");
    assertThat(root.file("/nothing")).isEmpty();
  }

  @Test
  void opaqueDirectory_hidesWhatIsBelow() throws IOException {
    assertThat(root.file("/hidden/file")).isPresent();

    Files.getFileAttributeView(layers.resolve("top/hidden"), UserDefinedFileAttributeView.class)
        .write("overlay.opaque", ByteBuffer.wrap("y".getBytes(StandardCharsets.US_ASCII)));

    assertThat(root.file("/hidden/file")).isEmpty();
    assertThat(root.file("/hidden")).isPresent();
  }

  /// Where it leads outside of the root must not be seen: overlayfs does not show it either.
  @Test
  void linkBelowADirectory_isHiddenByIt() throws IOException {
    Path outside = Files.createDirectory(layers.resolve("outside"));
    Files.writeString(outside.resolve("file"), "outside");
    link("low/covered", outside.toString());
    Files.createDirectory(layers.resolve("top/covered"));

    assertThat(root.file("/covered/file")).isEmpty();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
