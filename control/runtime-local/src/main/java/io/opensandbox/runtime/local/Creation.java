package io.opensandbox.runtime.local;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.EnvFiles;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.SandboxSpec;
import io.opensandbox.runtime.local.cgroup.Group;
import io.opensandbox.runtime.local.disk.Disk;
import io.opensandbox.runtime.local.engine.Engine;
import io.opensandbox.runtime.local.image.ExecdLayer;
import io.opensandbox.runtime.local.image.Image;
import io.opensandbox.runtime.local.image.ImageUser;
import io.opensandbox.runtime.local.image.Images;
import io.opensandbox.runtime.local.image.LayeredRoot;
import io.opensandbox.runtime.local.image.Layers;
import io.opensandbox.runtime.local.log.SandboxLog;
import io.opensandbox.runtime.local.network.Listening;
import io.opensandbox.runtime.local.network.Networks;
import io.opensandbox.runtime.local.network.PortForwards;
import io.opensandbox.runtime.local.network.Slot;
import io.opensandbox.runtime.local.record.SandboxRecord;
import io.opensandbox.runtime.local.record.SandboxRecord.NetworkPlan;
import io.opensandbox.runtime.local.record.SandboxRecord.ProcessPlan;
import io.opensandbox.runtime.local.record.SandboxRecord.Tree;
import io.opensandbox.runtime.local.volume.Volumes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Makes a sandbox out of a specification and an image, completely or not at all.
final class Creation {
  private static final String EXECD = "/opt/opensandbox/execd";
  private static final int EXECD_PORT = 44772;
  private static final int HTTP_PORT = 8080;

  /// A client that comes before execd listens waits instead of being sent away.
  private static final Duration EXECD_PATIENCE = Duration.ofSeconds(30);

  /// Where many start at once, the execd of each starts with its first request: what is asked for
  /// first is there first.
  private static final Map<String, String> ON_DEMAND = Map.of("EXECD_START", "on-demand");

  private static final int MAX_LAYERS = 100;

  /// The parts that a sandbox is made from.
  record Parts(
      Store store,
      Disk disk,
      Layers layers,
      ExecdLayer execd,
      Volumes volumes,
      Networks networks,
      PortForwards ports,
      Groups groups) {}

  private final Parts parts;
  private final LocalConfig config;
  private final Clock clock;
  private final String resolvConf;

  Creation(Parts parts, LocalConfig config, Clock clock, String resolvConf) {
    this.parts = parts;
    this.config = config;
    this.clock = clock;
    this.resolvConf = resolvConf;
  }

  /// Makes a sandbox.
  ///
  /// @param isOneOfMany whether many are made at this moment
  Box create(SandboxSpec spec, Image image, boolean isOneOfMany) {
    return make(
        spec,
        isOneOfMany ? image.with(ON_DEMAND) : image,
        root -> parts.volumes().prepare(spec.volumes(), root),
        image.reference().startsWith(Images.SNAPSHOTS) ? spec.env().keySet() : Set.of());
  }

  /// Makes a sandbox like another one, with the files of `image`. Named volumes that go with the
  /// source go with the last of the two.
  Box copy(String id, Map<String, String> labels, SandboxRecord source, Image image) {
    SandboxSpec spec =
        new SandboxSpec(
            id,
            source.entrypoint(),
            source.env(),
            source.limits(),
            List.of(),
            labels,
            Optional.empty());
    return make(
        spec,
        image.with(ON_DEMAND),
        root ->
            new Volumes.Prepared(
                Volumes.inCopy(source.mounts(), root), source.ownedVolumes(), List.of()),
        Set.of());
  }

  // `own` are the variables that win over those of a claim that the image was captured from.
  private Box make(
      SandboxSpec spec,
      Image image,
      Function<LayeredRoot, Volumes.Prepared> volumesFor,
      Set<String> own) {
    if (!parts.groups().haveRoom()) {
      throw new SandboxException(
          ErrorCode.OVER_CAPACITY,
          "there is no memory for another sandbox: all together have nearly as much as"
              + " local.memory_max_bytes allows; delete some, or raise it");
    }
    try (Cleanup cleanup = new Cleanup()) {
      List<Tree> trees = withExecd(image);
      LayeredRoot root = new LayeredRoot(trees, parts.layers()::path);
      Volumes.Prepared volumes = volumesFor.apply(root);
      cleanup.add(() -> volumes.made().forEach(this::removeVolume));
      Slot slot = parts.networks().acquire();
      cleanup.add(() -> parts.networks().release(slot));
      Group group = parts.groups().of(spec.id(), slot);
      PortForwards.Forward execd =
          parts
              .ports()
              .open(
                  slot.address(),
                  EXECD_PORT,
                  EXECD_PATIENCE,
                  parts.networks().takeEveryConnection() ? () -> isServed(group) : () -> true);
      cleanup.add(execd::close);
      PortForwards.Forward http = parts.ports().open(slot.address(), HTTP_PORT, Duration.ZERO);
      cleanup.add(http::close);
      Path directory = parts.store().directory(spec.id());
      Files.createDirectories(directory);
      cleanup.add(() -> parts.store().discard(directory));
      parts.disk().makeRoom(parts.store().files(spec.id()), diskBytes(spec));
      ImageUser user = user(image, root);
      ProcessPlan process = plan(spec, image, user, root);
      SandboxRecord record =
          record(
              spec,
              image,
              trees,
              volumes,
              process,
              new NetworkPlan(slot.number(), execd.hostPort(), http.hostPort()));
      writeFiles(directory, record, root, slot, user);
      overrideClaim(directory, record, root, own);
      new SandboxLog(directory.resolve("log")).prepare(config.limits().logBytes());
      parts.store().save(record);
      cleanup.keep();
      return new Box(record, slot, group, List.of(execd, http));
    } catch (IOException | LayeredRoot.EndlessLinks e) {
      throw new SandboxException(
          ErrorCode.START_FAILED,
          "cannot create sandbox \"" + spec.id() + "\": " + e.getMessage(),
          e);
    }
  }

  /// The table that this reads takes the kernel a millisecond and more: asked only where a
  /// connection does not tell.
  private static boolean isServed(Group group) {
    return group.processes().stream().limit(1).anyMatch(pid -> Listening.on(pid, EXECD_PORT));
  }

  private void removeVolume(String name) {
    parts.volumes().removeUnused(name, Set.of());
  }

  private List<Tree> withExecd(Image image) {
    List<Tree> trees = new ArrayList<>(image.trees());
    List<String> lowers = new ArrayList<>();
    lowers.add(parts.execd().name());
    lowers.addAll(trees.getFirst().lowers());
    if (lowers.size() > MAX_LAYERS) {
      throw new SandboxException(
          ErrorCode.START_FAILED,
          "image %s has %d layers; at most %d can be mounted"
              .formatted(image.reference(), lowers.size() - 1, MAX_LAYERS - 1));
    }
    trees.set(0, new Tree("/", lowers));
    return trees;
  }

  private static ProcessPlan plan(SandboxSpec spec, Image image, ImageUser user, LayeredRoot root) {
    List<String> argv = new ArrayList<>();
    if (!user.isRoot()) {
      argv.addAll(List.of(EXECD, "as", user.ids(), "--"));
    }
    if (root.file("/bin/sh").isPresent()) {
      argv.add("/opt/opensandbox/bootstrap.sh");
    } else {
      argv.addAll(List.of(EXECD, "bootstrap", "--"));
    }
    argv.addAll(spec.entrypoint());
    Map<String, String> env = new LinkedHashMap<>();
    env.put("PATH", Image.DEFAULT_PATH);
    env.put("HOSTNAME", Engine.hostname(spec.id()));
    env.put("HOME", user.home());
    env.putAll(image.env());
    env.putAll(spec.env());
    return new ProcessPlan(argv, env, root.resolve(image.workingDirectory()), image.user());
  }

  private static ImageUser user(Image image, LayeredRoot root) {
    try {
      return ImageUser.resolve(image.user(), root);
    } catch (IllegalArgumentException e) {
      throw new SandboxException(
          ErrorCode.START_FAILED, "image " + image.reference() + ": " + e.getMessage(), e);
    }
  }

  private SandboxRecord record(
      SandboxSpec spec,
      Image image,
      List<Tree> trees,
      Volumes.Prepared volumes,
      ProcessPlan process,
      NetworkPlan network) {
    Map<String, String> labels = new HashMap<>(spec.labels());
    labels.put(Labels.EXECD_PORT, Integer.toString(network.execdPort()));
    labels.put(Labels.HTTP_PORT, Integer.toString(network.httpPort()));
    if (!volumes.owned().isEmpty()) {
      labels.put(Labels.VOLUMES, "[\"" + String.join("\",\"", volumes.owned()) + "\"]");
    }
    OptionalLong pids = spec.limits().pids();
    return new SandboxRecord(
        spec.id(),
        image.reference(),
        image.id(),
        spec.entrypoint(),
        spec.env(),
        labels,
        clock.instant().truncatedTo(ChronoUnit.MICROS),
        trees,
        volumes.mounts(),
        volumes.owned(),
        process,
        network,
        boxed(spec.limits().nanoCpus()),
        boxed(spec.limits().memoryBytes()),
        pids.isPresent() ? pids.getAsLong() : config.pidsLimit(),
        parts.disk().withoutQuotas().isPresent() ? null : Long.valueOf(diskBytes(spec)),
        false);
  }

  private long diskBytes(SandboxSpec spec) {
    return spec.limits().diskBytes().orElse(config.limits().sandboxDiskBytes());
  }

  private static @Nullable Long boxed(OptionalLong value) {
    return value.isPresent() ? value.getAsLong() : null;
  }

  private void writeFiles(
      Path directory, SandboxRecord record, LayeredRoot root, Slot slot, ImageUser user) {
    RootFiles files = new RootFiles(directory, record.trees(), root);
    String hostname = Engine.hostname(record.id());
    files.makeLayers();
    files.write("/etc/hostname", hostname + "\n");
    files.write("/etc/resolv.conf", resolvConf);
    files.write(
        "/etc/hosts",
        """
        127.0.0.1 localhost
        ::1 localhost ip6-localhost ip6-loopback
        %s %s
        """
            .formatted(slot.address(), hostname));
    files.ensure(record.process().workingDirectory(), true);
    if (!user.isRoot()) {
      // The bootstrap script and execd write there.
      files.give("/opt/opensandbox", user.uid(), user.gid());
    }
    record
        .mounts()
        .forEach(mount -> files.ensure(mount.target(), Files.isDirectory(Path.of(mount.source()))));
  }

  private static void overrideClaim(
      Path directory, SandboxRecord record, LayeredRoot root, Set<String> own) {
    if (!own.isEmpty()) {
      var files = new RootFiles(directory, record.trees(), root);
      EnvFiles.path(record.process().env())
          .ifPresent(
              path -> files.change(path, EnvFiles.MAX_BYTES, file -> EnvFiles.without(file, own)));
    }
  }
}
