package io.opensandbox.execd.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// New content for a file, written to a temporary until [#commit] puts it in place. The temporary
/// is on the target's file system if its directory allows that, else in the spare directory; the
/// target is then rewritten in place. Closing without a commit leaves the target as it was.
public final class StagedFile implements AutoCloseable {
  private static final int MAX_LINKS = 40;

  private final Path target;
  private final Path temporary;
  private final boolean besideTarget;
  private final FileChannel channel;
  private final @Nullable FileStatus previous;
  private boolean committed;

  private StagedFile(
      Path target,
      Path temporary,
      boolean besideTarget,
      FileChannel channel,
      @Nullable FileStatus previous) {
    this.target = target;
    this.temporary = temporary;
    this.besideTarget = besideTarget;
    this.channel = channel;
    this.previous = previous;
  }

  /// Begins new content for `path`, following it if it is a link.
  ///
  /// @param staging makes the temporary's name, and is open as long as this file
  public static StagedFile open(Path path, Leftovers.Staging staging) throws IOException {
    Path target = followLinks(path);
    FileStatus previous = statusOrNull(target);
    if (previous != null && previous.isDirectory()) {
      throw new IOException("is a directory");
    }
    boolean replaceable = previous == null || previous.isRegular();
    if (replaceable) {
      Path temporary = staging.in(existingAncestor(target));
      try {
        return new StagedFile(target, temporary, true, create(temporary), previous);
      } catch (IOException e) {
        if (previous == null || isFull(e)) {
          throw e;
        }
      }
    }
    Path temporary = staging.in(staging.spare());
    return new StagedFile(target, temporary, false, create(temporary), previous);
  }

  private static FileChannel create(Path temporary) throws IOException {
    return FileChannel.open(
        temporary,
        StandardOpenOption.CREATE_NEW,
        StandardOpenOption.WRITE,
        StandardOpenOption.READ);
  }

  private static boolean isFull(IOException e) {
    return FileErrors.reason(e).contains("No space left");
  }

  private static @Nullable FileStatus statusOrNull(Path path) throws IOException {
    try {
      return FileStatus.ofLink(path);
    } catch (NoSuchFileException _) {
      return null;
    }
  }

  private static Path followLinks(Path path) throws IOException {
    Path followed = path;
    for (int i = 0; Files.isSymbolicLink(followed); i++) {
      if (i == MAX_LINKS) {
        throw new IOException("Too many levels of symbolic links");
      }
      followed = followed.resolveSibling(Files.readSymbolicLink(followed));
    }
    return followed;
  }

  /// The directory that holds the target, or the nearest one that is there already.
  private static Path existingAncestor(Path target) throws IOException {
    for (Path at = target.getParent(); at != null; at = at.getParent()) {
      if (Files.isDirectory(at)) {
        return at;
      }
      if (Files.exists(at, LinkOption.NOFOLLOW_LINKS)) {
        throw new IOException("\"" + at + "\" is not a directory");
      }
    }
    throw new IOException("the path has no parent directory");
  }

  /// Where the content will be.
  public Path target() {
    return target;
  }

  /// The directory in which the content will be.
  Path parent() {
    return target.resolveSibling("");
  }

  /// Appends content.
  public void write(byte[] bytes, int offset, int length) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, length);
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  /// Gives the descriptor back; the content stays.
  public void endWriting() throws IOException {
    channel.close();
  }

  /// Puts the content in place at `path`, which may be another one than it was staged for.
  void commitTo(Path path, Permissions permissions, Leftovers.Staging staging) throws IOException {
    if (followLinks(path).equals(target)) {
      commit(permissions);
      return;
    }
    channel.close();
    try (FileChannel from = FileChannel.open(temporary, StandardOpenOption.READ);
        StagedFile other = open(path, staging)) {
      long size = from.size();
      for (long at = 0; at < size; ) {
        at += from.transferTo(at, size - at, other.channel);
      }
      other.commit(permissions);
    }
  }

  /// Puts the content in place, with the old file's mode and owner where `permissions` leave them.
  public void commit(Permissions permissions) throws IOException {
    channel.close();
    Files.createDirectories(target.getParent());
    if (!besideTarget || !takePlace(permissions)) {
      rewrite();
      permissions.apply(target);
    }
    committed = true;
  }

  /// Renames the temporary; gives whether that was possible.
  private boolean takePlace(Permissions permissions) throws IOException {
    if (previous != null && !inherit(previous)) {
      return false;
    }
    permissions.apply(temporary);
    try {
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      return true;
    } catch (IOException e) {
      if (previous == null) {
        throw e;
      }
      return false; // a mounted file cannot be replaced, only rewritten
    }
  }

  private boolean inherit(FileStatus old) throws IOException {
    FileStatus own = FileStatus.ofLink(temporary);
    try {
      if (own.uid() != old.uid()) {
        Files.setAttribute(temporary, "unix:uid", (int) old.uid());
      }
      if (own.gid() != old.gid()) {
        Files.setAttribute(temporary, "unix:gid", (int) old.gid());
      }
      if (own.mode() != old.mode()) {
        Files.setAttribute(temporary, "unix:mode", old.mode() & 07777);
      }
      return true;
    } catch (IOException _) {
      return false; // not ours to give away: keep the old inode and with it its owner
    }
  }

  private void rewrite() throws IOException {
    try (FileChannel from = FileChannel.open(temporary, StandardOpenOption.READ);
        FileChannel to =
            FileChannel.open(
                target, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
      long size = from.size();
      for (long at = 0; at < size; ) {
        at += from.transferTo(at, size - at, to);
      }
    }
  }

  /// Removes the temporary, unless it has become the file.
  @Override
  public void close() throws IOException {
    channel.close();
    if (!committed || !besideTarget) {
      Files.deleteIfExists(temporary);
    }
  }
}
