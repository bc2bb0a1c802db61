package io.opensandbox.runtime.local;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.RuntimeSandbox.State;
import io.opensandbox.runtime.local.engine.Engine;
import io.opensandbox.runtime.local.image.Holds;
import io.opensandbox.runtime.local.image.Image;
import io.opensandbox.runtime.local.image.Images;
import io.opensandbox.runtime.local.image.Layers;
import io.opensandbox.runtime.local.process.Runner;
import io.opensandbox.runtime.local.record.SandboxRecord;
import io.opensandbox.runtime.local.record.SandboxRecord.Tree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Stream;

/// Captures what a sandbox has written as a layer on top of its image's.
final class Snapshots {
  private static final Duration COPY_LIMIT = Duration.ofMinutes(10);
  private static final List<String> PRIVATE =
      List.of("etc/hostname", "etc/hosts", "etc/resolv.conf");

  private final Store store;
  private final Layers layers;
  private final Images images;
  private final Engine engine;
  private final Runner runner;

  Snapshots(Store store, Layers layers, Images images, Engine engine, Runner runner) {
    this.store = store;
    this.layers = layers;
    this.images = images;
    this.engine = engine;
    this.runner = runner;
  }

  /// Captures a sandbox under `reference`; one that runs is frozen meanwhile. Call with its lock
  /// held.
  Image capture(Box box, String reference) {
    Optional<Image> present = images.find(reference);
    if (present.isPresent()) {
      return present.get();
    }
    try (Holds.Hold hold = images.hold()) {
      Image image = frozen(box, () -> image(box.record(), reference, Images.SNAPSHOT_LAYER, hold));
      images.save(image);
      return image;
    }
  }

  /// Captures a sandbox for copies of it. The layer belongs to the copies: it is there as long as
  /// one of them is. Call with the sandbox's lock held.
  ///
  /// @param hold keeps the layers below it
  Image captureForCopies(Box box, Holds.Hold hold) {
    String layer = "fork/" + UUID.randomUUID();
    Image image = frozen(box, () -> image(box.record(), layer, Layers.FORK, hold));
    return new Image(
        box.record().imageReference(),
        box.record().imageId(),
        image.trees(),
        image.env(),
        image.user(),
        image.workingDirectory());
  }

  private Image frozen(Box box, Supplier<Image> work) {
    boolean running = box.view(engine).state() == State.RUNNING;
    if (running && !box.cgroup().freeze()) {
      box.cgroup().thaw();
      throw new SandboxException(
          ErrorCode.SNAPSHOT_CREATE_FAILED,
          "cannot capture sandbox \"" + box.id() + "\": it does not freeze");
    }
    try {
      return work.get();
    } catch (Runner.RunFailure | UncheckedIOException e) {
      throw new SandboxException(
          ErrorCode.SNAPSHOT_CREATE_FAILED,
          "cannot capture sandbox \"" + box.id() + "\": " + e.getMessage(),
          e);
    } finally {
      if (running) {
        box.cgroup().thaw();
      }
    }
  }

  private Image image(SandboxRecord record, String reference, String prefix, Holds.Hold hold) {
    String hash = Images.hash(reference);
    List<Tree> trees = new ArrayList<>();
    for (int i = 0; i < record.trees().size(); i++) {
      Tree tree = record.trees().get(i);
      List<String> lowers = new ArrayList<>(tree.lowers());
      if (i == 0) {
        // The layer with execd: a restore gets the current one.
        lowers.removeFirst();
      }
      Path upper = store.files(record.id()).resolve("upper").resolve(Integer.toString(i));
      if (!isEmpty(upper)) {
        String layer = prefix + hash.substring(0, 16) + "-" + i;
        images.keep(layer, hold);
        layers.make(layer, draft -> copy(upper, draft));
        lowers.addFirst(layer);
      }
      trees.add(new Tree(tree.mountPath(), lowers));
    }
    Map<String, String> env = new LinkedHashMap<>(record.process().env());
    env.remove("HOSTNAME");
    env.remove("EXECD_START");
    Image image =
        new Image(
            reference,
            "sha256:" + hash,
            trees,
            env,
            record.process().user(),
            record.process().workingDirectory());
    images.keep(image, hold);
    return image;
  }

  private void copy(Path upper, Path draft) {
    runner.check(
        Runner.Command.of("cp", "-a", "--reflink=auto", "--", upper + "/.", draft.toString())
            .within(COPY_LIMIT));
    try {
      for (String file : PRIVATE) {
        Files.deleteIfExists(draft.resolve(file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot tidy a snapshot", e);
    }
  }

  private static boolean isEmpty(Path directory) {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.findAny().isEmpty();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + directory, e);
    }
  }
}
