package io.opensandbox.server.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// The files that `init-config` writes.
public final class ConfigTemplates {
  private static final Map<String, String> EXAMPLES =
      Map.of(
          "docker", "example.config.toml",
          "docker-zh", "example.config.zh.toml",
          "k8s", "example.config.k8s.toml",
          "k8s-zh", "example.config.k8s.zh.toml");

  private static final List<Section> SKELETON =
      List.of(
          ConfigSchema.SERVER,
          ConfigSchema.RENEW_INTENT,
          ConfigSchema.RUNTIME,
          ConfigSchema.DOCKER,
          ConfigSchema.EGRESS,
          ConfigSchema.KUBERNETES,
          ConfigSchema.AGENT_SANDBOX,
          ConfigSchema.INGRESS,
          ConfigSchema.INGRESS_GATEWAY,
          ConfigSchema.INGRESS_GATEWAY_ROUTE,
          ConfigSchema.INGRESS_SECURE_ACCESS,
          ConfigSchema.STORAGE);

  private ConfigTemplates() {}

  /// Names of the packaged examples.
  public static List<String> examples() {
    return List.copyOf(new TreeMap<>(EXAMPLES).keySet());
  }

  /// Writes a packaged example, or the skeleton with every key, making parents as needed.
  ///
  /// Throws `FileAlreadyExistsException` when `target` is there and `force` is not set.
  public static void write(Path target, Optional<String> example, boolean force)
      throws IOException {
    if (!force && Files.exists(target)) {
      throw new FileAlreadyExistsException(
          target.toString(), null, "it exists already; --force overwrites it");
    }
    Path parent = target.toAbsolutePath().getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    byte[] content =
        example.isPresent()
            ? packaged(EXAMPLES.getOrDefault(example.get(), ""))
            : skeleton().getBytes(StandardCharsets.UTF_8);
    Files.write(target, content);
  }

  private static byte[] packaged(String name) throws IOException {
    try (InputStream in = ConfigTemplates.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IOException("the example " + name + " is not packaged");
      }
      return in.readAllBytes();
    }
  }

  /// Every key of the common sections, commented, with a placeholder as its value.
  static String skeleton() {
    var out =
        new StringBuilder("# OpenSandbox server configuration: every key, to be filled in.\n");
    for (Section section : SKELETON) {
      out.append("\n# ").append(section.description()).append('\n');
      out.append('[').append(section.name()).append("]\n");
      for (Key key : section.keys()) {
        append(out, key.name(), key);
      }
      if (section.equals(ConfigSchema.RENEW_INTENT)) {
        for (Key key : ConfigSchema.RENEW_INTENT_REDIS.keys()) {
          append(out, "redis." + key.name(), key);
        }
      }
    }
    return out.toString();
  }

  private static void append(StringBuilder out, String name, Key key) {
    boolean list = key.type() == Key.Type.STRINGS || key.type() == Key.Type.TABLES;
    out.append("# ").append(key.description()).append('\n');
    out.append(name).append(" = ").append(list ? "[]" : "\"\"").append('\n');
  }
}
