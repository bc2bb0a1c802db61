package io.opensandbox.runtime.local;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.local.image.Images;
import io.opensandbox.runtime.local.record.SandboxRecord.Mount;
import io.opensandbox.runtime.local.record.SandboxRecord.Tree;
import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// The sandboxes that there are, and what they use of what is shared.
final class Boxes implements Images.Users {
  private static final Pattern ID = Pattern.compile("[0-9a-zA-Z][0-9a-zA-Z-]{0,63}");

  private final Map<String, Box> boxes = new ConcurrentHashMap<>();
  private final Map<String, ReentrantLock> creating = new ConcurrentHashMap<>();

  Optional<Box> find(String id) {
    return Optional.ofNullable(boxes.get(id));
  }

  /// Throws `SANDBOX_NOT_FOUND` when it is not there.
  Box get(String id) {
    return find(id)
        .orElseThrow(() ->
            new SandboxException(
                ErrorCode.SANDBOX_NOT_FOUND, "Sandbox \"" + id + "\" does not exist"));
  }

  Collection<Box> all() {
    return boxes.values();
  }

  boolean isEmpty() {
    return boxes.isEmpty();
  }

  /// Whether it is there, or about to be.
  boolean knows(String id) {
    return boxes.containsKey(id) || creating.containsKey(id);
  }

  void add(Box box) {
    boxes.put(box.id(), box);
  }

  void remove(Box box) {
    boxes.remove(box.id());
  }

  /// The sandbox with this id; `work` makes it when there is none.
  Box make(String id, Supplier<Box> work) {
    if (!ID.matcher(id).matches()) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER, "the id \"" + id + "\" is not a sandbox id");
    }
    ReentrantLock lock = creating.computeIfAbsent(id, _ -> new ReentrantLock());
    lock.lock();
    try {
      Box existing = boxes.get(id);
      if (existing != null) {
        return existing;
      }
      Box made = Faults.as(ErrorCode.START_FAILED, work);
      boxes.put(id, made);
      return made;
    } finally {
      lock.unlock();
      creating.remove(id);
    }
  }

  @Override
  public Set<String> images() {
    return all().stream().map(box -> box.record().imageReference()).collect(Collectors.toSet());
  }

  @Override
  public Set<String> layers() {
    Set<String> used = new HashSet<>();
    for (Box box : all()) {
      for (Tree tree : box.record().trees()) {
        used.addAll(tree.lowers());
      }
    }
    return used;
  }

  /// Host paths that are mounted into sandboxes.
  Set<String> mountSources() {
    return all().stream()
        .flatMap(box -> box.record().mounts().stream())
        .map(Mount::source)
        .collect(Collectors.toSet());
  }
}
