package io.opensandbox.execd.envfile;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// Reads the env file again for each command, because tools in the sandbox change it, and so does
/// whoever gives the sandbox its environment after the daemon was started.
public final class EnvFileSource {
  private static final long MAX_BYTES = 4 << 20;

  private final Supplier<String> path;
  private final Map<String, String> environment;
  private final Consumer<String> warnings;

  /// @param path where the file is, empty for none; it may be expanded at each call and may throw
  /// @param environment the daemon's own
  /// @param warnings told when the file cannot be used; it then counts as empty
  public EnvFileSource(
      Supplier<String> path, Map<String, String> environment, Consumer<String> warnings) {
    this.path = path;
    this.environment = environment;
    this.warnings = warnings;
  }

  /// The environment as it is now.
  ///
  /// @param sandbox what everything in the sandbox begins with: the daemon's own, with what the
  ///   sandbox was given since
  /// @param commands the same with what the file has for commands
  public record Variables(Map<String, String> sandbox, Map<String, String> commands) {
    /// Copies the maps.
    public Variables {
      sandbox = Map.copyOf(sandbox);
      commands = Map.copyOf(commands);
    }
  }

  /// Both, for something that the file is for.
  public Variables read() {
    EnvFile file = parse(warnings);
    Map<String, String> sandbox = merge(environment, file.sandbox());
    return new Variables(sandbox, merge(sandbox, file.commands()));
  }

  /// The sandbox's alone; that there is no file is nothing to speak of then.
  public Map<String, String> sandbox() {
    return merge(environment, parse(_ -> {}).sandbox());
  }

  static Map<String, String> merge(Map<String, String> first, Map<String, String> second) {
    if (second.isEmpty()) {
      return first;
    }
    Map<String, String> merged = new HashMap<>(first);
    merged.putAll(second);
    return merged;
  }

  private EnvFile parse(Consumer<String> problems) {
    String name = "";
    try {
      name = path.get();
      if (name.isEmpty()) {
        return EnvFile.EMPTY;
      }
      Path file = Path.of(name);
      if (Files.size(file) > MAX_BYTES) {
        problems.accept("env file \"" + name + "\" is larger than " + MAX_BYTES + " bytes");
        return EnvFile.EMPTY;
      }
      String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
      return EnvFile.parse(text, environment);
    } catch (NoSuchFileException _) {
      problems.accept("env file \"" + name + "\" does not exist");
    } catch (IOException | RuntimeException e) {
      problems.accept("cannot read env file \"" + name + "\": " + e.getMessage());
    }
    return EnvFile.EMPTY;
  }
}
