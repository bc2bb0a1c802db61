package io.opensandbox.execd.envfile;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// Reads the env file again for each command, because tools in the sandbox change it.
public final class EnvFileSource {
  private static final long MAX_BYTES = 4 << 20;

  private final Supplier<String> path;
  private final Map<String, String> environment;
  private final Consumer<String> warnings;

  /// @param path where the file is, empty for none; it may be expanded at each call and may throw
  /// @param environment where references in values are looked up
  /// @param warnings told when the file cannot be used; it then counts as empty
  public EnvFileSource(
      Supplier<String> path, Map<String, String> environment, Consumer<String> warnings) {
    this.path = path;
    this.environment = environment;
    this.warnings = warnings;
  }

  /// The variables that the file has now.
  public Map<String, String> read() {
    String name = "";
    try {
      name = path.get();
      if (name.isEmpty()) {
        return Map.of();
      }
      Path file = Path.of(name);
      if (Files.size(file) > MAX_BYTES) {
        warnings.accept("env file \"" + name + "\" is larger than " + MAX_BYTES + " bytes");
        return Map.of();
      }
      String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
      return EnvFile.parse(text, environment);
    } catch (NoSuchFileException _) {
      warnings.accept("env file \"" + name + "\" does not exist");
    } catch (IOException | RuntimeException e) {
      warnings.accept("cannot read env file \"" + name + "\": " + e.getMessage());
    }
    return Map.of();
  }
}
