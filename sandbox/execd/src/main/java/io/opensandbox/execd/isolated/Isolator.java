package io.opensandbox.execd.isolated;

import io.opensandbox.execd.file.FileTree;
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
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Finds out what bubblewrap can do here, by trying, once; and starts it.
final class Isolator {
  private static final int MAX_VERSION_BYTES = 256;

  private final Spawner spawner;
  private final Map<String, String> environment;
  private final IsolatedRoutes.Tools tools;
  private final Path folder;
  private final Optional<byte[]> filter = SystemCallFilter.of(System.getProperty("os.arch", ""));

  /// Guarded by this.
  private @Nullable Capabilities known;

  /// @param available whether sessions are possible
  /// @param message why not; else empty
  /// @param command how bubblewrap is called; empty when there is none
  /// @param userNamespaces whether identities may be mapped
  record Capabilities(
      boolean available,
      String message,
      String version,
      List<String> command,
      boolean userNamespaces) {}

  /// @param folder for files of the trials
  Isolator(
      Spawner spawner, Map<String, String> environment, IsolatedRoutes.Tools tools, Path folder) {
    this.spawner = spawner;
    this.environment = Map.copyOf(environment);
    this.tools = tools;
    this.folder = folder;
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

  /// Starts a session's namespace.
  Namespace start(Capabilities found, IsolationRequest request, Bubblewrap.Places places)
      throws IOException {
    List<String> arguments = new ArrayList<>(found.command());
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
    var found = new Capabilities(true, "", version(command), command, false);
    String refusal = tryOut(found, false);
    if (!refusal.isEmpty()) {
      return unavailable("bubblewrap cannot isolate here: " + refusal, found.version());
    }
    return new Capabilities(true, "", found.version(), command, tryOut(found, true).isEmpty());
  }

  private static Capabilities unavailable(String message, String version) {
    return new Capabilities(false, message, version, List.of(), false);
  }

  private List<String> command() {
    List<String> bundled = tools.bubblewrap();
    boolean usable = !bundled.isEmpty() && Files.isExecutable(Path.of(bundled.getLast()));
    return Executables.find("bwrap", environment.getOrDefault("PATH", ""))
        .map(List::of)
        .orElse(usable ? bundled : List.of());
  }

  /// Starts the namespace of a session that nobody has asked for; gives why it cannot be, or
  /// nothing.
  private String tryOut(Capabilities found, boolean namespaced) {
    Path trial = folder.resolve("trial");
    try {
      FileTree.delete(folder); // what a daemon before this one has left
      makeMountPoints();
      Files.createDirectories(trial);
      IsolationRequest request = IsolationRequest.trial(trial, namespaced);
      var mount = new Bubblewrap.Mount(trial, trial, false);
      var places = new Bubblewrap.Places(List.of(mount), trial, folder, launcher());
      try (Namespace _ = start(found, request, places)) {
        return "";
      } finally {
        FileTree.delete(trial);
      }
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
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
        Map.of("PATH", environment.getOrDefault("PATH", "")),
        "/",
        null,
        new ProcessSpec.Pipes(false, false),
        new ProcessSpec.Descriptors(0, inputs));
  }
}
