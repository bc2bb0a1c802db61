package io.opensandbox.execd.isolated;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkspaceCopyTest {
  @TempDir private Path folder;
  private Path workspace;
  private Path copied;

  @BeforeEach
  void makeWorkspace() throws IOException {
    workspace = Files.createDirectory(folder.resolve("workspace"));
    copied = folder.resolve("copy");
    Files.createDirectory(workspace.resolve("inner"));
    Files.writeString(workspace.resolve("one"), "text");
    Files.createLink(workspace.resolve("inner/two"), workspace.resolve("one"));
    Files.writeString(workspace.resolve("alone"), "alone");
  }

  @Test
  void aCopyHasTheHardLinksOfTheWorkspace() throws IOException {
    WorkspaceCopy copy = WorkspaceCopy.make(workspace, copied);

    assertSameFile(copied.resolve("one"), copied.resolve("inner/two"));
    assertThat(copy.differences()).isEmpty();
  }

  @Test
  void whatIsWrittenThroughOneNameComesBackUnderAll() throws IOException {
    WorkspaceCopy copy = WorkspaceCopy.make(workspace, copied);
    Files.writeString(copied.resolve("inner/two"), "changed");

    copy.commit();

    assertThat(workspace.resolve("one")).hasContent("changed");
    assertSameFile(workspace.resolve("one"), workspace.resolve("inner/two"));
    assertThat(copy.differences()).isEmpty();
  }

  @Test
  void aNewNameOfAnOldFileComesBackAsALink() throws IOException {
    WorkspaceCopy copy = WorkspaceCopy.make(workspace, copied);
    Files.createLink(copied.resolve("again"), copied.resolve("alone"));

    copy.commit();

    assertSameFile(workspace.resolve("alone"), workspace.resolve("again"));
    assertThat(copy.differences()).isEmpty();
  }

  @Test
  void aDirectoryThatWasMovedComesBackWithAllInIt() throws IOException {
    WorkspaceCopy copy = WorkspaceCopy.make(workspace, copied);
    Files.move(copied.resolve("inner"), copied.resolve("there"));

    copy.commit();

    assertThat(workspace.resolve("there/two")).hasContent("text");
    assertThat(workspace.resolve("inner")).doesNotExist();
    assertThat(copy.differences()).isEmpty();
  }

  @Test
  void aDirectoryThatWasMovedOverAnothersNameComesBackWithAllInIt() throws IOException {
    Files.createDirectories(workspace.resolve("other/deep"));
    Files.writeString(workspace.resolve("other/two"), "other");
    Files.writeString(workspace.resolve("other/deep/three"), "three");
    Files.createDirectory(workspace.resolve("inner/deep"));
    Files.writeString(workspace.resolve("inner/deep/three"), "drei");
    WorkspaceCopy copy = WorkspaceCopy.make(workspace, copied);
    Files.move(copied.resolve("inner"), copied.resolve("elsewhere"));
    Files.move(copied.resolve("other"), copied.resolve("inner"));

    assertThat(copy.differences())
        .contains(
            new Overlay.Difference.Changed(Path.of("inner/two"), false),
            new Overlay.Difference.Changed(Path.of("inner/deep/three"), false),
            new Overlay.Difference.Removed(Path.of("other")));
    copy.commit();

    assertThat(workspace.resolve("inner/two")).hasContent("other");
    assertThat(workspace.resolve("inner/deep/three")).hasContent("three");
    assertThat(workspace.resolve("elsewhere/deep/three")).hasContent("drei");
    assertThat(workspace.resolve("elsewhere/two")).hasContent("text");
    assertThat(copy.differences()).isEmpty();
  }

  @Test
  void whatOthersChangeInADirectoryThatGotANewFileIsNoDifference() throws IOException {
    WorkspaceCopy copy = WorkspaceCopy.make(workspace, copied);
    Files.writeString(copied.resolve("inner/new"), "new");
    Files.delete(workspace.resolve("inner/two"));
    Files.writeString(workspace.resolve("inner/two"), "by others");

    assertThat(copy.differences())
        .doesNotContain(new Overlay.Difference.Changed(Path.of("inner/two"), false))
        .contains(new Overlay.Difference.Changed(Path.of("inner/new"), false));
    copy.commit();

    assertThat(workspace.resolve("inner/two")).hasContent("by others");
  }

  @Test
  void newNamesOfANewFileComeBackAsLinks() throws IOException {
    WorkspaceCopy copy = WorkspaceCopy.make(workspace, copied);
    Files.writeString(copied.resolve("new"), "new");
    Files.createLink(copied.resolve("inner/new"), copied.resolve("new"));

    copy.commit();

    assertThat(workspace.resolve("new")).hasContent("new");
    assertSameFile(workspace.resolve("new"), workspace.resolve("inner/new"));
  }

  @Test
  void aFileThatOthersHaveChangedIsNotLinkedTo() throws IOException {
    WorkspaceCopy copy = WorkspaceCopy.make(workspace, copied);
    Files.createLink(copied.resolve("again"), copied.resolve("alone"));
    Files.writeString(workspace.resolve("alone"), "by others");

    copy.commit();

    assertThat(workspace.resolve("again")).hasContent("alone");
  }

  private static void assertSameFile(Path one, Path other) throws IOException {
    assertThat(Files.getAttribute(one, "unix:ino"))
        .isEqualTo(Files.getAttribute(other, "unix:ino"));
  }
}
