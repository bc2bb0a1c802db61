package io.opensandbox.runtime.local.image;

import io.opensandbox.runtime.local.record.SandboxRecord.Tree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// Looks into the file trees of a sandbox without mounting them, as overlayfs would show them.
///
/// Links are followed inside the root only: `..` above it stays at it, and an absolute link starts
/// at it. Meant for sandboxes that do not run.
public final class LayeredRoot {
  private static final int MAX_LINKS = 40;
  private static final String OPAQUE = "overlay.opaque";

  private final List<Tree> trees;
  private final Function<String, Path> layers;

  /// A view of `trees`.
  ///
  /// @param layers where a layer with a relative name is
  public LayeredRoot(List<Tree> trees, Function<String, Path> layers) {
    this.trees = List.copyOf(trees);
    this.layers = layers;
  }

  /// The path with every link resolved; parts that do not exist are kept as they are.
  ///
  /// @throws EndlessLinks when links go in circles
  public String resolve(String path) {
    Deque<String> todo = new ArrayDeque<>(parts(path));
    List<String> done = new ArrayList<>();
    int links = 0;
    while (!todo.isEmpty()) {
      String part = todo.pop();
      if (part.equals("..")) {
        if (!done.isEmpty()) {
          done.removeLast();
        }
        continue;
      }
      done.add(part);
      Optional<Path> entry = find(done);
      if (entry.isPresent() && Files.isSymbolicLink(entry.get())) {
        if (++links > MAX_LINKS) {
          throw new EndlessLinks(path);
        }
        String target = readLink(entry.get());
        done.removeLast();
        if (target.startsWith("/")) {
          done.clear();
        }
        List<String> more = new ArrayList<>(parts(target));
        Collections.reverse(more);
        more.forEach(todo::push);
      }
    }
    return "/" + String.join("/", done);
  }

  /// The file at a path, links followed, or empty when there is none.
  public Optional<Path> file(String path) {
    return find(parts(resolve(path)));
  }

  private static List<String> parts(String path) {
    return List.of(path.split("/", -1)).stream()
        .filter(part -> !part.isEmpty() && !part.equals("."))
        .toList();
  }

  private Optional<Path> find(List<String> parts) {
    String path = "/" + String.join("/", parts);
    Tree best = trees.getFirst();
    for (Tree tree : trees) {
      boolean covers = path.equals(tree.mountPath()) || path.startsWith(tree.mountPath() + "/");
      if (covers && tree.mountPath().length() > best.mountPath().length()) {
        best = tree;
      }
    }
    int skipped = best.mountPath().equals("/") ? 0 : parts(best.mountPath()).size();
    return findIn(best, parts.subList(skipped, parts.size()));
  }

  private Optional<Path> findIn(Tree tree, List<String> parts) {
    for (String lower : tree.lowers()) {
      Path at = lower.startsWith("/") ? Path.of(lower) : layers.apply(lower);
      boolean hidden = false;
      for (int i = 0; i < parts.size() && Files.exists(at, LinkOption.NOFOLLOW_LINKS); i++) {
        at = at.resolve(parts.get(i));
        if (i < parts.size() - 1 && endsHere(at)) {
          return Optional.empty();
        }
        hidden |= isOpaque(at);
      }
      if (isWhiteout(at)) {
        return Optional.empty();
      }
      if (Files.exists(at, LinkOption.NOFOLLOW_LINKS)) {
        return Optional.of(at);
      }
      if (hidden) {
        return Optional.empty();
      }
    }
    return Optional.empty();
  }

  /// Whether this entry has nothing below it, and hides what lower layers have there. A link never
  /// leads on: one that is seen was followed before.
  private static boolean endsHere(Path entry) {
    return Files.exists(entry, LinkOption.NOFOLLOW_LINKS)
        && !Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS);
  }

  private static boolean isWhiteout(Path path) {
    try {
      return Files.exists(path, LinkOption.NOFOLLOW_LINKS)
          && Files.readAttributes(path, "unix:rdev,isOther", LinkOption.NOFOLLOW_LINKS)
              .equals(java.util.Map.of("rdev", 0L, "isOther", true));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look at " + path, e);
    }
  }

  private static boolean isOpaque(Path directory) {
    if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    UserDefinedFileAttributeView attributes =
        Files.getFileAttributeView(
            directory, UserDefinedFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
    try {
      return attributes != null && attributes.list().contains(OPAQUE);
    } catch (IOException e) {
      // A file system without attributes has no opaque directories.
      return false;
    }
  }

  /// Links that lead nowhere but to links.
  public static final class EndlessLinks extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private EndlessLinks(String path) {
      super("too many links in \"" + path + "\"");
    }
  }

  private static String readLink(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read link " + link, e);
    }
  }
}
