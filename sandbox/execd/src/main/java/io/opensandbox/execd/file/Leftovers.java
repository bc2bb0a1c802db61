package io.opensandbox.execd.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// Where temporaries go, and what of them a killed daemon has left behind. Each request notes the
/// temporaries that it makes in a file of its own, which goes with the request; what is noted when
/// a daemon starts is of no use to anybody.
public final class Leftovers {
  private static final int MAX_NOTE_BYTES = 16 << 20;

  private final Path spare;
  private final @Nullable Path notes;

  /// Temporaries that nobody notes.
  ///
  /// @param spare a writable directory for temporaries that cannot be beside their target
  public Leftovers(Path spare) {
    this.spare = spare;
    this.notes = null;
  }

  /// @param spare a writable directory for temporaries that cannot be beside their target
  /// @param notes a directory of this daemon alone, made when it is needed
  public Leftovers(Path spare, Path notes) {
    this.spare = spare;
    this.notes = notes;
  }

  /// The temporaries of one request, for one thread.
  public Staging begin() {
    return new Staging();
  }

  /// Removes the temporaries that are noted. Call it before there are any requests.
  ///
  /// @throws IOException when the notes cannot be read; a temporary that is gone is no error
  public void sweep() throws IOException {
    Path folder = notes;
    if (folder == null) {
      return;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path note : files) {
        removeNoted(note);
        Files.deleteIfExists(note);
      }
    } catch (NoSuchFileException _) {
      return; // never used
    }
  }

  private static void removeNoted(Path note) throws IOException {
    if (!Files.isRegularFile(note, LinkOption.NOFOLLOW_LINKS)
        || Files.size(note) > MAX_NOTE_BYTES) {
      return;
    }
    String text = new String(Files.readAllBytes(note), StandardCharsets.UTF_8);
    for (String name : text.split("\0", -1)) {
      removeTemporary(name);
    }
  }

  /// Whoever may write the notes shall not choose what is removed: nothing but a temporary is.
  private static void removeTemporary(String name) throws IOException {
    try {
      Path path = Path.of(name);
      if (TemporaryNames.isOne(path)) {
        FileTree.delete(path);
      }
    } catch (InvalidPathException _) {
      return; // half a note: its temporary was not made yet
    }
  }

  /// The temporaries of one request.
  public final class Staging implements AutoCloseable {
    private @Nullable Path note;
    private @Nullable FileChannel channel;
    private boolean failed;

    private Staging() {}

    /// The directory for temporaries that cannot be beside their target.
    Path spare() {
      return spare;
    }

    /// An unused name in a directory, noted in place of all before it, which are gone or have
    /// become files.
    public Path onlyIn(Path directory) {
      FileChannel open = channel;
      if (open != null && !failed) {
        try {
          open.truncate(0);
        } catch (IOException _) { // as below
          failed = true;
        }
      }
      return in(directory);
    }

    /// An unused name in a directory, noted.
    Path in(Path directory) {
      Path temporary = TemporaryNames.in(directory);
      Path folder = notes;
      if (folder != null && !failed) {
        try {
          write(folder, temporary);
        } catch (IOException _) { // a full disk, say: the request may go well all the same
          failed = true;
        }
      }
      return temporary;
    }

    private void write(Path folder, Path temporary) throws IOException {
      FileChannel open = channel;
      if (open == null) {
        makeNotes(folder);
        Path file = TemporaryNames.in(folder);
        open = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        note = file;
        channel = open;
      }
      ByteBuffer name = StandardCharsets.UTF_8.encode(temporary.toAbsolutePath() + "\0");
      while (name.hasRemaining()) {
        open.write(name);
      }
    }

    /// Requests on behalf of other users have notes, too. Nobody gains by that: see
    /// [#removeTemporary].
    private static void makeNotes(Path folder) throws IOException {
      if (!Files.isDirectory(folder)) {
        Files.createDirectories(folder);
        Files.setAttribute(folder, "unix:mode", 01777);
      }
    }

    /// Forgets the temporaries, which are gone or have become files.
    @Override
    public void close() throws IOException {
      FileChannel open = channel;
      if (open != null) {
        open.close();
      }
      Path file = note;
      if (file != null) {
        Files.deleteIfExists(file);
      }
    }
  }
}
