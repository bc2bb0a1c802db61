package io.opensandbox.runtime.local.cgroup;

import io.opensandbox.runtime.ResourceLimits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.stream.Stream;

/// The part of the host's cgroup hierarchies that belongs to one runtime.
public final class CgroupTree {
  private static final List<String> WANTED = List.of("cpu", "memory", "pids");

  private final String name;
  private final Map<String, Path> v1;
  private final Optional<Path> v2;

  /// A tree whose parent group is `name` in each hierarchy.
  ///
  /// @param v1 root of the hierarchy of each v1 controller that is used
  /// @param v2 root of the v2 hierarchy when it carries the controllers
  CgroupTree(String name, Map<String, Path> v1, Optional<Path> v2) {
    this.name = name;
    this.v1 = Map.copyOf(v1);
    this.v2 = v2;
  }

  /// What an ordinary user has been given of the hierarchies: in each, the nearest group above its
  /// own process in which it may make groups.
  ///
  /// @param own text of `/proc/self/cgroup`
  /// @return a tree without any controller where that is not enough for all limits
  public static CgroupTree delegated(String name, List<String> mountinfo, List<String> own) {
    CgroupTree all = detect(name, mountinfo);
    Map<String, Path> v1 = new HashMap<>();
    all.v1.forEach((controller, root) ->
        ownGroup(own, controller)
            .flatMap(group -> writable(root, group))
            .ifPresent(path -> v1.put(controller, path)));
    Optional<Path> v2 =
        all.v2.flatMap(root -> ownGroup(own, "").flatMap(group -> writable(root, group)));
    // Only root may change device rules.
    v1.remove("devices");
    CgroupTree found = new CgroupTree(name, v1, v2);
    return found.missing().isEmpty() ? found : new CgroupTree(name, Map.of(), Optional.empty());
  }

  /// The path after `N:controllers:` of the line with this controller; the empty one is v2's.
  private static Optional<String> ownGroup(List<String> own, String controller) {
    return own.stream()
        .map(line -> line.split(":", 3))
        .filter(fields -> fields.length == 3)
        .filter(fields -> List.of(fields[1].split(",", -1)).contains(controller))
        .map(fields -> fields[2])
        .findFirst();
  }

  private static Optional<Path> writable(Path root, String group) {
    // With v2 a group with processes cannot hand controllers on: one further up has to.
    return Stream.iterate(
            Optional.of(root.resolve(group.substring(1)).normalize()),
            Optional::isPresent,
            path -> path.map(Path::getParent).filter(parent -> parent.startsWith(root)))
        .flatMap(Optional::stream)
        .filter(path -> {
          Path control = path.resolve("cgroup.subtree_control");
          return !Files.exists(control) || handsOn(control);
        })
        .findFirst()
        .filter(path -> Files.isWritable(path) && Files.isWritable(path.resolve("cgroup.procs")));
  }

  private static boolean handsOn(Path control) {
    try {
      return List.of(Files.readString(control).strip().split(" ", -1)).containsAll(WANTED);
    } catch (IOException e) {
      return false;
    }
  }

  /// Whether there is any hierarchy to use.
  public boolean isPresent() {
    return v2.isPresent() || !v1.isEmpty();
  }

  /// Finds the hierarchies in the text of `/proc/self/mountinfo`.
  public static CgroupTree detect(String name, List<String> mountinfo) {
    Map<String, Path> v1 = new HashMap<>();
    Optional<Path> v2 = Optional.empty();
    for (String line : mountinfo) {
      String[] halves = line.split(" - ", 2);
      String[] left = halves[0].split(" ", -1);
      String[] right = halves.length == 2 ? halves[1].split(" ", -1) : new String[0];
      if (right.length < 3) {
        continue;
      }
      Path root = Path.of(left[4]);
      if (right[0].equals("cgroup2")) {
        v2 = Optional.of(root);
      } else if (right[0].equals("cgroup")) {
        for (String option : right[2].split(",", -1)) {
          if (Cgroup.V1_CONTROLLERS.contains(option)) {
            v1.put(option, root);
          }
        }
      }
    }
    boolean v2Controls = v2.isPresent() && controllers(v2.get()).containsAll(WANTED);
    return new CgroupTree(name, v2Controls ? Map.of() : v1, v2Controls ? v2 : Optional.empty());
  }

  private static List<String> controllers(Path v2root) {
    try {
      return List.of(Files.readString(v2root.resolve("cgroup.controllers")).strip().split(" ", -1));
    } catch (IOException e) {
      // A v2 mount that cannot be read offers nothing.
      return List.of();
    }
  }

  /// Controllers that limits need and this host does not offer; empty when all is well.
  public List<String> missing() {
    if (v2.isPresent()) {
      return List.of();
    }
    List<String> missing = new ArrayList<>(WANTED);
    missing.add("freezer");
    missing.removeAll(v1.keySet());
    return missing;
  }

  /// Makes the parent group and limits all sandboxes together, so that they cannot take the host
  /// down.
  public void prepare(long totalMemoryBytes) {
    if (!isPresent()) {
      return;
    }
    Cgroup parent = group("");
    v2.ifPresent(root -> delegate(root));
    parent.make();
    v2.ifPresent(root -> delegate(root.resolve(name)));
    parent.limit(
        new ResourceLimits(
            OptionalLong.empty(),
            OptionalLong.of(totalMemoryBytes),
            OptionalLong.empty(),
            OptionalInt.empty()));
  }

  /// Whether there is this much memory left for all sandboxes together, or an eighth of what they
  /// may have if that is less; true where nothing limits them.
  public boolean hasMemory(long bytes) {
    return !isPresent() || group("").hasMemory(bytes);
  }

  private static void delegate(Path group) {
    if (handsOn(group.resolve("cgroup.subtree_control"))) {
      return;
    }
    try {
      Files.writeString(group.resolve("cgroup.subtree_control"), "+cpu +memory +pids");
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delegate cgroup controllers of " + group, e);
    }
  }

  /// The group of a sandbox, which need not exist.
  public Cgroup of(String id) {
    return group(id);
  }

  private Cgroup group(String id) {
    Map<String, Path> directories = new HashMap<>();
    v1.forEach((controller, root) -> directories.put(controller, root.resolve(name).resolve(id)));
    return new Cgroup(directories, v2.map(root -> root.resolve(name).resolve(id)));
  }

  /// Names of all groups below the parent, in any hierarchy.
  public List<String> names() {
    TreeSet<String> names = new TreeSet<>();
    Stream.concat(v1.values().stream(), v2.stream())
        .map(root -> root.resolve(name))
        .filter(Files::isDirectory)
        .forEach(parent -> names.addAll(children(parent)));
    return List.copyOf(names);
  }

  private static List<String> children(Path parent) {
    try (Stream<Path> entries = Files.list(parent)) {
      return entries.filter(Files::isDirectory).map(path -> path.getFileName().toString()).toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + parent, e);
    }
  }

  /// Removes the parent group; does nothing while sandboxes have groups.
  public void removeParent() {
    if (isPresent() && names().isEmpty()) {
      group("").remove();
    }
  }
}
