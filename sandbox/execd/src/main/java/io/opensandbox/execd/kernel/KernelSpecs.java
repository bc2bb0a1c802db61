package io.opensandbox.execd.kernel;

import io.opensandbox.execd.json.JsonArray;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.json.JsonValue;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// Finds the kernels that are installed in the sandbox, in the directories that Jupyter searches
/// (jupyter-core, "Data files"): `JUPYTER_PATH`, the user's, those beside each `python3` and
/// `jupyter` of the PATH, `/usr/local/share` and `/usr/share`. The first of a name wins. Nothing is
/// cached: an image's start script may still be installing kernels.
final class KernelSpecs {
  private static final long MAX_SPEC_BYTES = 1024 * 1024;

  private final List<Path> directories;

  KernelSpecs(List<Path> directories) {
    this.directories = List.copyOf(directories);
  }

  /// The directories for an environment.
  static KernelSpecs of(Map<String, String> environment) {
    Set<Path> found = new LinkedHashSet<>();
    for (String entry : environment.getOrDefault("JUPYTER_PATH", "").split(":", -1)) {
      if (!entry.isEmpty()) {
        found.add(Path.of(entry, "kernels"));
      }
    }
    String home = environment.getOrDefault("HOME", "");
    if (!home.isEmpty()) {
      found.add(Path.of(home, ".local/share/jupyter/kernels"));
    }
    for (String entry : environment.getOrDefault("PATH", "").split(":", -1)) {
      if (entry.startsWith("/") && hasPythonOrJupyter(Path.of(entry))) {
        found.add(Path.of(entry).resolve("../share/jupyter/kernels").normalize());
      }
    }
    found.add(Path.of("/usr/local/share/jupyter/kernels"));
    found.add(Path.of("/usr/share/jupyter/kernels"));
    return new KernelSpecs(List.copyOf(found));
  }

  /// The kernel for a language: its spec's language is the same text. `python3`, which every
  /// Jupyter installation brings along, is taken only when no other spec fits.
  Optional<KernelSpec> find(String language) {
    KernelSpec fallback = null;
    for (KernelSpec spec : all().values()) {
      if (!spec.language().equals(language)) {
        continue;
      }
      if (!spec.name().equals("python3")) {
        return Optional.of(spec);
      }
      fallback = spec;
    }
    return Optional.ofNullable(fallback);
  }

  /// Every kernel by name, sorted.
  Map<String, KernelSpec> all() {
    Map<String, KernelSpec> specs = new TreeMap<>();
    for (Path directory : directories) {
      for (Path candidate : children(directory)) {
        String name = String.valueOf(candidate.getFileName());
        if (!specs.containsKey(name)) {
          read(name, candidate.resolve("kernel.json")).ifPresent(spec -> specs.put(name, spec));
        }
      }
    }
    return specs;
  }

  private static boolean hasPythonOrJupyter(Path directory) {
    return Files.exists(directory.resolve("python3")) || Files.exists(directory.resolve("jupyter"));
  }

  private static List<Path> children(Path directory) {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    List<Path> paths = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
      stream.forEach(paths::add);
    } catch (IOException _) {
      // A directory that this user may not read holds no kernels for him.
      return List.of();
    }
    return paths;
  }

  private static Optional<KernelSpec> read(String name, Path file) {
    try {
      if (!Files.isRegularFile(file) || Files.size(file) > MAX_SPEC_BYTES) {
        return Optional.empty();
      }
      return Optional.of(parse(name, JsonParser.parseObject(Files.readAllBytes(file))));
    } catch (IOException | ExecdException _) {
      // A broken spec hides that kernel only, as in Jupyter.
      return Optional.empty();
    }
  }

  /// A `kernel.json`, or the `spec` of a Jupyter server's answer.
  static KernelSpec parse(String name, JsonObject json) {
    List<String> argv = new ArrayList<>();
    for (JsonValue value : json.array("argv").orElse(new JsonArray(List.of())).values()) {
      if (value instanceof JsonValue.Text text) {
        argv.add(text.value());
      }
    }
    return new KernelSpec(
        name,
        json.stringOrEmpty("language"),
        argv,
        new LinkedHashMap<>(json.stringMap("env")),
        json.stringOrEmpty("interrupt_mode").equals("message"));
  }
}
