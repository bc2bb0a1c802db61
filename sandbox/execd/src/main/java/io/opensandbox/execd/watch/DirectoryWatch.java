package io.opensandbox.execd.watch;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// Watches a directory, or a whole tree. Links are not followed. A directory that appears in a
/// watched tree is watched from then on, and what it holds already is told as created, so nothing
/// that comes in between is missed (some entries may be told twice).
final class DirectoryWatch implements AutoCloseable {
  private static final int MAX_DIRECTORIES = 20_000;

  private final Path root;
  private final boolean recursive;
  private final Listener listener;
  private final WatchService service;
  private final Map<WatchKey, Path> directories = new HashMap<>();

  /// What happened to a path.
  enum Change {
    CREATE("create"),
    MODIFY("modify"),
    DELETE("delete"),
    /// Changes were lost, because too many came at once: look at the directory again.
    OVERFLOW("overflow");

    private final String wire;

    Change(String wire) {
      this.wire = wire;
    }

    String wire() {
      return wire;
    }
  }

  /// Takes changes.
  @FunctionalInterface
  interface Listener {
    void changed(Change change, Path path) throws IOException;
  }

  private DirectoryWatch(Path root, boolean recursive, Listener listener, WatchService service) {
    this.root = root;
    this.recursive = recursive;
    this.listener = listener;
    this.service = service;
  }

  /// Begins to watch.
  ///
  /// @throws IOException when the directory cannot be watched, also for lack of inotify watches
  static DirectoryWatch open(Path root, boolean recursive, Listener listener) throws IOException {
    WatchService service = root.getFileSystem().newWatchService();
    DirectoryWatch watch = new DirectoryWatch(root, recursive, listener, service);
    try {
      watch.add(root, false);
      return watch;
    } catch (IOException | RuntimeException e) {
      service.close();
      throw e;
    }
  }

  /// Waits for changes and tells them.
  ///
  /// @return whether there is still something to watch
  boolean await(Duration time) throws IOException, InterruptedException {
    WatchKey key = service.poll(time.toMillis(), TimeUnit.MILLISECONDS);
    while (key != null) {
      tell(key);
      if (!key.reset()) {
        directories.remove(key);
      }
      key = service.poll();
    }
    return !directories.isEmpty();
  }

  private void tell(WatchKey key) throws IOException {
    Path directory = directories.get(key);
    if (directory == null) {
      return;
    }
    for (WatchEvent<?> event : key.pollEvents()) {
      if (event.context() instanceof Path name) {
        tell(event.kind(), directory.resolve(name));
      } else {
        listener.changed(Change.OVERFLOW, directory);
      }
    }
  }

  private void tell(WatchEvent.Kind<?> kind, Path path) throws IOException {
    if (kind.equals(StandardWatchEventKinds.ENTRY_CREATE)) {
      listener.changed(Change.CREATE, path);
      if (recursive && Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        addNew(path);
      }
    } else {
      boolean deleted = kind.equals(StandardWatchEventKinds.ENTRY_DELETE);
      listener.changed(deleted ? Change.DELETE : Change.MODIFY, path);
    }
  }

  private void addNew(Path directory) throws IOException {
    try {
      add(directory, true);
    } catch (IOException e) {
      if (Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
        throw e;
      }
      // Gone again; its removal comes as a change of its own.
    }
  }

  private void add(Path directory, boolean tellEntries) throws IOException {
    if (directories.size() >= MAX_DIRECTORIES) {
      throw new IOException(
          "\"" + root + "\" has more than " + MAX_DIRECTORIES + " directories; watch fewer");
    }
    WatchKey key =
        directory.register(
            service,
            StandardWatchEventKinds.ENTRY_CREATE,
            StandardWatchEventKinds.ENTRY_MODIFY,
            StandardWatchEventKinds.ENTRY_DELETE);
    directories.put(key, directory);
    if (recursive) {
      addEntries(directory, tellEntries);
    }
  }

  private void addEntries(Path directory, boolean tellEntries) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        if (tellEntries) {
          listener.changed(Change.CREATE, entry);
        }
        if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
          add(entry, tellEntries);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
  }

  @Override
  public void close() throws IOException {
    service.close();
  }
}
