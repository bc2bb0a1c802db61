package io.opensandbox.server.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteJDBCLoader;
import org.sqlite.util.LibraryLoaderUtil;
import org.sqlite.util.OSInfo;

/// SQLite's native code, unpacked once beside the store. Left alone, the driver unpacks it with
/// each start, under another name in the temporary folder, where a server that is killed leaves it.
final class SqliteLibrary {
  private static final Logger LOG = LoggerFactory.getLogger(SqliteLibrary.class);
  private static final String PATH_KEY = "org.sqlite.lib.path";
  private static final String NAME_KEY = "org.sqlite.lib.name";

  private SqliteLibrary() {}

  /// Has the driver load its native code from `folder`, the first time this is called. Leaves it to
  /// the driver where others could put something else in its place, or nothing can be written.
  static synchronized void loadFrom(Path folder) {
    if (System.getProperty(PATH_KEY) != null) {
      return;
    }
    try {
      Optional<Path> file = unpack(folder);
      if (file.isPresent()) {
        System.setProperty(PATH_KEY, folder.toString());
        System.setProperty(NAME_KEY, file.get().getFileName().toString());
      }
    } catch (IOException e) {
      LOG.debug("SQLite's native code is not kept in {}: {}", folder, e.getMessage());
    }
  }

  /// Puts the native code of this machine into `folder` unless it is there.
  static Optional<Path> unpack(Path folder) throws IOException {
    String resource =
        LibraryLoaderUtil.getNativeLibResourcePath() + "/" + LibraryLoaderUtil.getNativeLibName();
    if (SQLiteJDBCLoader.class.getResource(resource) == null || !isOursAlone(folder)) {
      return Optional.empty();
    }
    Path file =
        folder.resolve(
            ".sqlite-%s-%s.so".formatted(SQLiteJDBCLoader.getVersion(), OSInfo.getArchName()));
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      write(resource, file);
    }
    return Optional.of(file);
  }

  private static void write(String resource, Path file) throws IOException {
    Path partial =
        Files.createTempFile(Objects.requireNonNull(file.getParent()), ".sqlite-", ".partial");
    try (InputStream in =
        Objects.requireNonNull(SQLiteJDBCLoader.class.getResourceAsStream(resource))) {
      Files.copy(in, partial, StandardCopyOption.REPLACE_EXISTING);
      try (FileChannel written = FileChannel.open(partial, StandardOpenOption.WRITE)) {
        written.force(true); // a name without its bytes would be believed
      }
      Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(partial);
    }
  }

  private static boolean isOursAlone(Path folder) throws IOException {
    Object owner = Files.getAttribute(folder, "unix:uid");
    Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(folder);
    return owner.equals(Files.getAttribute(Path.of("/proc/self/"), "unix:uid"))
        && !permissions.contains(PosixFilePermission.GROUP_WRITE)
        && !permissions.contains(PosixFilePermission.OTHERS_WRITE);
  }
}
