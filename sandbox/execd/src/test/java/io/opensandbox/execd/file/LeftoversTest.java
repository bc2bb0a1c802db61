package io.opensandbox.execd.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeftoversTest {
  @TempDir private Path folder;
  private Path notes;
  private Path tree;

  @BeforeEach
  void makeTree() throws IOException {
    notes = folder.resolve("notes");
    tree = Files.createDirectory(folder.resolve("tree"));
  }

  @Test
  void whatAKilledDaemonHasStagedIsRemoved() throws IOException {
    Path file = Files.writeString(tree.resolve("file"), "old");
    var killed = new Leftovers(folder, notes);
    // Neither is closed: this is where the daemon is killed.
    Leftovers.Staging staging = killed.begin();
    StagedFile staged = StagedFile.open(file, staging);
    staged.write("new".getBytes(StandardCharsets.UTF_8), 0, 3);
    staged.endWriting();
    assertThat(names(tree)).hasSize(2);

    new Leftovers(folder, notes).sweep();

    assertThat(names(tree)).containsExactly("file");
    assertThat(file).hasContent("old");
    assertThat(names(notes)).isEmpty();
  }

  @Test
  void ofManyTemporariesInTurnOnlyTheLastIsNoted() throws IOException {
    Leftovers.Staging staging = new Leftovers(folder, notes).begin();
    Files.createDirectories(staging.onlyIn(tree));
    Path last = Files.createDirectories(staging.onlyIn(tree).resolve("moved/tree"));

    new Leftovers(folder, notes).sweep();

    assertThat(last).doesNotExist();
    assertThat(names(tree)).hasSize(1);
  }

  @Test
  void aRequestThatEndsLeavesNoNote() throws IOException {
    var leftovers = new Leftovers(folder, notes);
    Path file = tree.resolve("file");

    try (Leftovers.Staging staging = leftovers.begin();
        StagedFile staged = StagedFile.open(file, staging)) {
      staged.commit(new Permissions(0, Permissions.UNCHANGED, Permissions.UNCHANGED));
    }

    assertThat(names(notes)).isEmpty();
    assertThat(names(tree)).containsExactly("file");
  }

  @Test
  void aNoteCannotHaveOtherFilesRemoved() throws IOException {
    Path file = Files.writeString(tree.resolve("file"), "kept");
    Path directory = Files.createDirectory(tree.resolve(".execd-1"));
    Files.createDirectory(notes);
    Files.writeString(notes.resolve("note"), file + "\0" + directory + "\0\0relative\0/");
    Files.createSymbolicLink(notes.resolve("link"), file);

    new Leftovers(folder, notes).sweep();

    assertThat(names(tree)).containsExactly(".execd-1", "file");
    assertThat(names(notes)).isEmpty();
  }

  @Test
  void withoutNotesThereIsNothingToSweep() throws IOException {
    new Leftovers(folder, notes).sweep();
    new Leftovers(folder).sweep();

    assertThat(names(folder)).containsExactly("tree");
  }

  @Test
  void aPlaceForNotesThatCannotBeWrittenHoldsNothingUp() throws IOException {
    Files.writeString(notes, "a file, no directory");
    Path file = tree.resolve("file");

    try (Leftovers.Staging staging = new Leftovers(folder, notes).begin();
        StagedFile staged = StagedFile.open(file, staging)) {
      staged.commit(new Permissions(0, Permissions.UNCHANGED, Permissions.UNCHANGED));
    }

    assertThat(file).exists();
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
