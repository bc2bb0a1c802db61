package io.opensandbox.runtime.local.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FoldersTest {
  @TempDir Path temporary;

  @SuppressWarnings("NullAway.Init") // made before each test
  private Path folder;

  @BeforeEach
  void withoutLinksAboveIt() throws IOException {
    folder = temporary.toRealPath();
  }

  @Test
  void makesWhatIsMissingAndLeavesWhatIsThere() throws IOException {
    Path there = Files.createDirectory(folder.resolve("a"));
    Path file = Files.writeString(there.resolve("file"), "kept");

    Folders.make(folder.resolve("a/b/ä b"));
    Folders.make(folder.resolve("a/b/ä b"));

    assertThat(folder.resolve("a/b/ä b")).isEmptyDirectory();
    assertThat(file).hasContent("kept");
  }

  @Test
  void makesNothingBehindALink() throws IOException {
    Path outside = Files.createDirectory(folder.resolve("outside"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), outside);

    assertThatThrownBy(() -> Folders.make(link.resolve("new/deep")))
        .isInstanceOf(NotDirectoryException.class)
        .hasMessage(link.toString());

    assertThat(outside).isEmptyDirectory();
  }

  @Test
  void namesWhatIsNoFolder() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");

    assertThatThrownBy(() -> Folders.make(file.resolve("new")))
        .isInstanceOf(NotDirectoryException.class)
        .hasMessage(file.toString());
  }

  @Test
  void aLinkThatComesInTheMidstOfItIsNotFollowed() throws Exception {
    Path outside = Files.createDirectory(folder.resolve("outside"));
    Path place = folder.resolve("place");
    var over = new AtomicBoolean();
    Thread swapping =
        Thread.ofPlatform()
            .start(() -> {
              while (!over.get()) {
                swap(place, outside);
              }
            });
    try {
      for (int i = 0; i < 3_000; i++) {
        try {
          Folders.make(place.resolve("n" + i + "/m"));
        } catch (IOException _) { // a link was there, or a folder went away
        }
      }
    } finally {
      over.set(true);
      swapping.join();
    }

    assertThat(outside).isEmptyDirectory();
  }

  private void swap(Path place, Path outside) {
    try {
      Path made = Files.createTempDirectory(folder, "made");
      Files.move(made, place);
      Path aside = folder.resolve("aside");
      Files.move(place, Files.createTempDirectory(folder, "aside"), StandardCopyOption.ATOMIC_MOVE);
      Files.createSymbolicLink(aside, outside);
      Files.move(aside, place, StandardCopyOption.ATOMIC_MOVE);
      Files.delete(place);
    } catch (IOException e) {
      // Folders.make was quicker: what it made is taken away.
      try {
        Files.move(
            place, Files.createTempDirectory(folder, "aside"), StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException _) { // it is not there any more
      }
    }
  }
}
