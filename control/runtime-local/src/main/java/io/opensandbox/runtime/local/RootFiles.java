package io.opensandbox.runtime.local;

import io.opensandbox.runtime.local.image.LayeredRoot;
import io.opensandbox.runtime.local.record.SandboxRecord.Tree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// Puts files into the private layer of a sandbox that does not run yet.
final class RootFiles {
  private final Path directory;
  private final List<Tree> trees;
  private final LayeredRoot root;

  /// @param directory of the sandbox
  /// @param root the trees without the private layer
  RootFiles(Path directory, List<Tree> trees, LayeredRoot root) {
    this.directory = directory;
    this.trees = List.copyOf(trees);
    this.root = root;
  }

  /// Makes the directories of a sandbox's overlays and mounts.
  void makeLayers() {
    try {
      Files.createDirectories(directory.resolve("root"));
      for (int i = 0; i < trees.size(); i++) {
        Files.createDirectories(directory.resolve("files/work").resolve(Integer.toString(i)));
        Path upper = Files.createDirectories(upper(i));
        likeBelow(upper, trees.get(i).mountPath());
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make " + directory, e);
    }
  }

  /// Writes a file of the system, mode 0644.
  void write(String path, String text) {
    try {
      Path file = place(path);
      makeParents(path);
      Files.writeString(file, text);
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + path, e);
    }
  }

  /// Changes a file of the image, if it has it.
  ///
  /// @param path absolute; links in it are followed
  /// @param maxBytes of a file that is changed; a larger one is left alone
  /// @param edit gives what it got when there is nothing to change
  void change(String path, int maxBytes, UnaryOperator<byte[]> edit) {
    try {
      Optional<Path> below = root.file(path);
      if (below.isEmpty()
          || !Files.isRegularFile(below.get(), LinkOption.NOFOLLOW_LINKS)
          || Files.size(below.get()) > maxBytes) {
        return;
      }
      byte[] before = Files.readAllBytes(below.get());
      byte[] after = edit.apply(before);
      if (!Arrays.equals(after, before)) {
        String real = root.resolve(path);
        makeParents(real);
        Files.write(place(real), after);
        likeBelow(place(real), real);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot change " + path, e);
    }
  }

  /// Makes sure that there is a directory (or an empty file) to mount on, or to work in.
  ///
  /// @param path absolute, without links
  void ensure(String path, boolean isDirectory) {
    if (root.file(path).isPresent() || Files.exists(place(path), LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try {
      makeParents(path);
      if (isDirectory) {
        Files.createDirectory(place(path));
        Files.setPosixFilePermissions(place(path), PosixFilePermissions.fromString("rwxr-xr-x"));
      } else {
        Files.createFile(place(path));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make " + path, e);
    }
  }

  /// Makes a user the owner of a directory.
  void give(String path, long uid, long gid) {
    try {
      makeParents(path + "/");
      Files.setAttribute(place(path), "unix:uid", Math.toIntExact(uid));
      Files.setAttribute(place(path), "unix:gid", Math.toIntExact(gid));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot change the owner of " + path, e);
    }
  }

  private void makeParents(String path) throws IOException {
    for (int i = path.indexOf('/', 1); i > 0; i = path.indexOf('/', i + 1)) {
      String parent = path.substring(0, i);
      Path place = place(parent);
      if (!Files.isDirectory(place, LinkOption.NOFOLLOW_LINKS)) {
        Files.createDirectory(place);
        likeBelow(place, parent);
      }
    }
  }

  /// An overlay shows the mode and owner of the topmost directory, so those below are repeated.
  private void likeBelow(Path made, String path) throws IOException {
    Optional<Path> below = root.file(path);
    if (below.isEmpty()) {
      Files.setPosixFilePermissions(made, PosixFilePermissions.fromString("rwxr-xr-x"));
      return;
    }
    Map<String, Object> attributes = Files.readAttributes(below.get(), "unix:mode,uid,gid");
    giveLike(made, attributes, "uid");
    giveLike(made, attributes, "gid");
    if (attributes.get("mode") instanceof Integer mode) {
      Files.setAttribute(made, "unix:mode", mode & 07777);
    }
  }

  /// An ordinary user may have nobody in place of the owner below: then the directory stays theirs.
  private static void giveLike(Path made, Map<String, Object> below, String which)
      throws IOException {
    try {
      Files.setAttribute(made, "unix:" + which, below.get(which));
    } catch (FileSystemException e) {
      if (!"Invalid argument".equals(e.getReason())) {
        throw e;
      }
    }
  }

  private Path place(String path) {
    int best = 0;
    for (int i = 1; i < trees.size(); i++) {
      if ((path + "/").startsWith(trees.get(i).mountPath() + "/")) {
        best = i;
      }
    }
    String mount = trees.get(best).mountPath();
    String rest = mount.equals("/") ? path : path.substring(mount.length());
    return upper(best).resolve(rest.replaceFirst("^/", ""));
  }

  private Path upper(int tree) {
    return directory.resolve("files/upper").resolve(Integer.toString(tree));
  }
}
