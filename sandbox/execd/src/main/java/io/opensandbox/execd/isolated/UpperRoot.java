package io.opensandbox.execd.isolated;

import io.opensandbox.execd.file.FileTree;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/// The directory in which each session has a folder for its files.
final class UpperRoot {
  /// In a session's folder: until when, in seconds of Unix time, or for how long after a crash it
  /// is kept.
  private static final String RETAIN = "retain";

  private static final int MOUNT_POINT = 4;

  private final Path root;

  private UpperRoot(Path root) {
    this.root = root;
  }

  /// The first of some directories that can be made and written.
  ///
  /// @throws IOException the reason of the last one
  static UpperRoot first(List<Path> candidates) throws IOException {
    IOException failure = new IOException("there is no directory for isolated sessions");
    for (Path candidate : candidates) {
      try {
        Files.createDirectories(candidate);
        Files.setAttribute(candidate, "unix:mode", 0700);
        if (Files.isWritable(candidate)) {
          return new UpperRoot(candidate.toRealPath());
        }
      } catch (IOException e) {
        failure = e;
      }
    }
    throw failure;
  }

  Path path() {
    return root;
  }

  /// Whether it is on a volume that was mounted for it, not on the root file system.
  boolean isOnVolume() throws IOException {
    Path best = Path.of("/");
    for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
      Path point = Path.of(unescaped(line.split(" ", MOUNT_POINT + 2)[MOUNT_POINT]));
      if (root.startsWith(point) && point.getNameCount() >= best.getNameCount()) {
        best = point;
      }
    }
    return best.getNameCount() > 0;
  }

  /// proc(5): the octal codes of blank, tab, line feed and backslash.
  private static String unescaped(String text) {
    return text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\");
  }

  /// Has a session's folder kept for some time when the daemon dies.
  static void retainAfterCrash(Path folder, Duration time) throws IOException {
    Files.writeString(folder.resolve(RETAIN), "+" + time.toSeconds());
  }

  /// Has a session's folder kept until a moment.
  static void retainUntil(Path folder, Instant end) throws IOException {
    Files.writeString(folder.resolve(RETAIN), Long.toString(end.getEpochSecond()));
  }

  /// Removes the folders of sessions that a daemon before this one has left, unless they are kept.
  ///
  /// @param roots some of which may be missing
  static void sweep(List<Path> roots, Instant now) throws IOException {
    for (Path each : roots) {
      if (Files.isDirectory(each)) {
        for (Path name : FileTree.sortedNames(each)) {
          sweepFolder(each.resolve(name), now);
        }
      }
    }
  }

  private static void sweepFolder(Path folder, Instant now) throws IOException {
    Path note = folder.resolve(RETAIN);
    if (Files.isRegularFile(note)) {
      String text = new String(Files.readAllBytes(note), StandardCharsets.US_ASCII);
      try {
        long seconds = Long.parseLong(text);
        if (text.startsWith("+")) {
          retainUntil(folder, now.plusSeconds(seconds));
          return;
        }
        if (seconds > now.getEpochSecond()) {
          return;
        }
      } catch (NumberFormatException _) { // half a note, of a session that was never used
      }
    }
    delete(folder);
  }

  /// Removes a session's folder with all its layers.
  static void delete(Path folder) throws IOException {
    if (Comparison.isDirectory(folder)) {
      for (Path name : FileTree.sortedNames(folder)) {
        if (Comparison.isDirectory(folder.resolve(name))) {
          WorkspaceLayer.delete(folder.resolve(name));
        }
      }
    }
    FileTree.delete(folder);
  }
}
