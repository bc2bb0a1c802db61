package io.opensandbox.execd.isolated;

import io.opensandbox.execd.process.Executables;
import io.opensandbox.execd.process.OutputHandler;
import io.opensandbox.execd.process.ProcessSpec;
import io.opensandbox.execd.process.RunningProcess;
import io.opensandbox.execd.process.Spawner;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Finds out what bubblewrap can do here, by trying, once; and starts it.
final class Isolator {
  private static final int MAX_VERSION_BYTES = 256;

  private final Spawner spawner;
  private final Supplier<Map<String, String>> environment;
  private final IsolatedRoutes.Tools tools;
  private final List<Path> roots;
  private final Optional<byte[]> filter = SystemCallFilter.of(System.getProperty("os.arch", ""));

  /// Guarded by this.
  private @Nullable Capabilities known;

  /// @param available whether sessions are possible
  /// @param message why not; else empty
  /// @param command how bubblewrap is called; empty when there is none
  /// @param mapped whether all of it has to be in a user namespace, because root lacks privileges
  /// @param userNamespaces whether identities may be mapped
  /// @param overlays what overlays are
  record Capabilities(
      boolean available,
      String message,
      String version,
      List<String> command,
      boolean mapped,
      boolean userNamespaces,
      Overlays overlays) {
    /// Whether runs may have other users than execd's.
    boolean canSwitchIdentity() {
      return OwnIdentity.isRoot() && !mapped;
    }
  }

  /// @param mounted whether they are overlayfs mounts, else copies
  /// @param onDisk whether what is written to them may be on disk, else it is in memory
  /// @param onVolume whether that disk is a mounted volume
  record Overlays(boolean mounted, boolean onDisk, boolean onVolume) {
    static final Overlays COPIES = new Overlays(false, false, false);
  }

  /// One overlay to be mounted.
  ///
  /// @param bytes of memory for it, or 0 for disk
  /// @param folder of its own
  /// @param lower the workspace
  record Layer(long bytes, Path folder, Path lower) {}

  /// @param roots directories for sessions' files, of which the first that can be made is used
  Isolator(
      Spawner spawner,
      Supplier<Map<String, String>> environment,
      IsolatedRoutes.Tools tools,
      List<Path> roots) {
    this.spawner = spawner;
    this.environment = environment;
    this.tools = tools;
    this.roots = List.copyOf(roots);
  }

  /// What is possible; blocks while it is tried for the first time.
  synchronized Capabilities capabilities() {
    Capabilities found = known;
    if (found == null) {
      found = probe();
      known = found;
    }
    return found;
  }

  /// What is possible, when sessions are.
  ///
  /// @throws ExecdException `SERVICE_UNAVAILABLE` when they are not
  Capabilities require() {
    Capabilities found = capabilities();
    if (!found.available()) {
      throw new ExecdException(ErrorCode.SERVICE_UNAVAILABLE, found.message());
    }
    return found;
  }

  /// The SHA-256 of the filter of system calls; empty when there is none for this machine.
  Optional<String> filterDigest() {
    return filter.map(bytes -> {
      try {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException(e);
      }
    });
  }

  /// Where sessions have their files.
  UpperRoot root() throws IOException {
    return UpperRoot.first(roots);
  }

  /// Removes what a daemon before this one has left.
  void sweep(Instant now) throws IOException {
    UpperRoot.sweep(roots, now);
  }

  /// Starts a session's namespace.
  ///
  /// @param layers what is to be mounted first
  Namespace start(
      Capabilities found, IsolationRequest request, Bubblewrap.Places places, List<Layer> layers)
      throws IOException {
    List<String> arguments = new ArrayList<>();
    if (found.mapped() || !layers.isEmpty()) {
      arguments.add(launcher().toString());
      arguments.add("overlay");
      arguments.add(found.canSwitchIdentity() ? "root" : "user");
      for (Layer layer : layers) {
        arguments.add(Long.toString(layer.bytes()));
        arguments.add(layer.folder().toString());
        arguments.add(layer.lower().toString());
      }
      arguments.add("--");
    }
    arguments.addAll(found.command());
    List<String> kept =
        request.identity().namespaced() ? List.of() : HeldCapabilities.ofThisProcess();
    arguments.addAll(Bubblewrap.arguments(request, places, kept, filter.isPresent()));
    return Namespace.start(
        spawner,
        spec(arguments),
        places.broker().resolve(Path.of(Bubblewrap.SOCKET).getFileName()));
  }

  /// The launcher's file.
  Path launcher() {
    return tools.launcher().get().orElseThrow();
  }

  private Capabilities probe() {
    List<String> command = command();
    if (command.isEmpty()) {
      return unavailable("bubblewrap (bwrap) is not installed in this sandbox", "");
    }
    if (tools.launcher().get().isEmpty()) {
      return unavailable("execd runs without its launcher, which isolation needs", "");
    }
    var plain =
        new Capabilities(true, "", version(command), command, false, false, Overlays.COPIES);
    String refusal = tryOut(plain, IsolationRequest.Mode.RW, IsolationRequest.Store.ANY, false);
    if (refusal.isEmpty()) {
      return withExtras(plain);
    }
    var mapped = new Capabilities(true, "", plain.version(), command, true, false, Overlays.COPIES);
    if (OwnIdentity.isRoot()
        && tryOut(mapped, IsolationRequest.Mode.RW, IsolationRequest.Store.ANY, false).isEmpty()) {
      return withExtras(mapped);
    }
    return unavailable("bubblewrap cannot isolate here: " + refusal, plain.version());
  }

  private Capabilities withExtras(Capabilities found) {
    boolean mapping =
        tryOut(found, IsolationRequest.Mode.RW, IsolationRequest.Store.ANY, true).isEmpty();
    var mounted = new Overlays(true, false, false);
    boolean inMemory =
        tryOut(
                with(found, mapping, mounted),
                IsolationRequest.Mode.OVERLAY,
                IsolationRequest.Store.MEMORY,
                false)
            .isEmpty();
    if (!inMemory) {
      return with(found, mapping, Overlays.COPIES);
    }
    boolean onDisk =
        tryOut(
                with(found, mapping, mounted),
                IsolationRequest.Mode.OVERLAY,
                IsolationRequest.Store.ANY,
                false)
            .isEmpty();
    return with(found, mapping, new Overlays(true, onDisk, onDisk && isOnVolume()));
  }

  private static Capabilities with(Capabilities found, boolean mapping, Overlays overlays) {
    return new Capabilities(
        true, "", found.version(), found.command(), found.mapped(), mapping, overlays);
  }

  private boolean isOnVolume() {
    try {
      return root().isOnVolume();
    } catch (IOException _) {
      return false;
    }
  }

  private static Capabilities unavailable(String message, String version) {
    return new Capabilities(false, message, version, List.of(), false, false, Overlays.COPIES);
  }

  private List<String> command() {
    List<String> bundled = tools.bubblewrap();
    boolean usable = !bundled.isEmpty() && Files.isExecutable(Path.of(bundled.getLast()));
    return Executables.find("bwrap", environment.get().getOrDefault("PATH", ""))
        .map(List::of)
        .orElse(usable ? bundled : List.of());
  }

  /// Starts the namespace of a session that nobody has asked for; gives why it cannot be, or
  /// nothing.
  private String tryOut(
      Capabilities found,
      IsolationRequest.Mode mode,
      IsolationRequest.Store store,
      boolean namespaced) {
    try {
      makeMountPoints();
      Path root = root().path();
      Path trial = Files.createTempDirectory(root, "trial");
      try {
        startTrial(found, IsolationRequest.trial(trial, mode, store, namespaced), root);
        return "";
      } finally {
        UpperRoot.delete(trial);
      }
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private void startTrial(Capabilities found, IsolationRequest request, Path root)
      throws IOException {
    IsolationRequest.Mount mount = request.mounts().getFirst();
    Path trial = mount.path();
    Path folder = Files.createDirectory(trial.resolve("layer"));
    Path lower = Files.createDirectory(trial.resolve("lower"));
    boolean layered = mount.mode() == IsolationRequest.Mode.OVERLAY;
    long bytes = mount.persistence().store() == IsolationRequest.Store.MEMORY ? 1 << 20 : 0;
    List<Layer> layers = layered ? List.of(new Layer(bytes, folder, lower)) : List.of();
    var seen = new Bubblewrap.Mount(trial, layered ? WorkspaceLayer.merged(folder) : lower, false);
    var places = new Bubblewrap.Places(List.of(seen), trial, root, launcher());
    try (Namespace namespace = start(found, request, places, layers)) {
      if (layered) {
        Path mounted = namespace.outside(folder);
        requireLayer(new WorkspaceLayer(lower, mounted, bytes == 0 ? folder : mounted, 1 << 20));
      }
    }
  }

  /// What is written from here must arrive where it is looked for.
  private static void requireLayer(WorkspaceLayer layer) throws IOException {
    Files.createDirectory(layer.path().resolve("made"));
    if (layer.differences().size() != 1) {
      throw new IOException("the overlay does not show what was written to it");
    }
  }

  /// Small images lack them, and bubblewrap cannot make them in a root that is read-only.
  private static void makeMountPoints() throws IOException {
    for (String path : List.of("/run", "/tmp", "/dev", "/proc")) {
      Files.createDirectories(Path.of(path));
    }
  }

  private String version(List<String> command) {
    List<String> arguments = new ArrayList<>(command);
    arguments.add("--version");
    var output = new ByteArrayOutputStream();
    try (RunningProcess process = spawner.start(spec(arguments))) {
      process.drain(collector(output));
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
    }
    return output.toString(StandardCharsets.UTF_8).replace("bubblewrap", "").strip();
  }

  private static OutputHandler collector(ByteArrayOutputStream output) {
    return new OutputHandler() {
      @Override
      public void stdout(byte[] buffer, int offset, int length) {
        output.write(buffer, offset, Math.min(length, MAX_VERSION_BYTES - output.size()));
      }

      @Override
      public void stderr(byte[] buffer, int offset, int length) {
        stdout(buffer, offset, length);
      }
    };
  }

  private ProcessSpec spec(List<String> arguments) {
    List<ProcessSpec.Input> inputs =
        filter
            .map(bytes -> List.of(new ProcessSpec.Input(Bubblewrap.FILTER_DESCRIPTOR, bytes)))
            .orElse(List.of());
    return new ProcessSpec(
        arguments,
        Map.of("PATH", environment.get().getOrDefault("PATH", "")),
        "/",
        null,
        new ProcessSpec.Pipes(false, false),
        new ProcessSpec.Descriptors(0, inputs));
  }
}
