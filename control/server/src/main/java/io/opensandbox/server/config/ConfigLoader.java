package io.opensandbox.server.config;

import io.opensandbox.runtime.docker.DockerRuntimeConfig;
import io.opensandbox.server.store.PostgresqlAddress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;
import org.tomlj.Toml;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlTable;

/// Turns a TOML file and the environment into a [Config], or says everything that is wrong with it.
public final class ConfigLoader {
  /// Environment variable that replaces `server.api_key`, even when it is empty.
  public static final String API_KEY_VARIABLE = "OPENSANDBOX_SERVER_API_KEY";

  /// Environment variable that replaces `store.password`.
  public static final String STORE_PASSWORD_VARIABLE = "OPENSANDBOX_STORE_PASSWORD";

  /// Environment variable that names the file.
  public static final String PATH_VARIABLE = "SANDBOX_CONFIG_PATH";

  private static final Set<String> LEVELS =
      Set.of(
          "TRACE",
          "DEBUG",
          "INFO",
          "WARN",
          "WARNING",
          "ERROR",
          "CRITICAL",
          "FATAL",
          "NOTSET",
          "OFF");
  private static final Set<String> SCOPES = Set.of("read", "write", "admin");
  private static final Pattern WILDCARD =
      Pattern.compile("\\*\\.(?!-)[A-Za-z0-9-]{1,63}(?:\\.[A-Za-z0-9-]{1,63})+");
  private static final Pattern HOST =
      Pattern.compile("(?=.{1,253}$)(?!-)[A-Za-z0-9-]{1,63}(?:\\.(?!-)[A-Za-z0-9-]{1,63})*");
  private final Map<String, String> environment;
  private final Path home;

  /// @param environment of the process
  /// @param home what `~` stands for
  public ConfigLoader(Map<String, String> environment, Path home) {
    this.environment = Map.copyOf(environment);
    this.home = home;
  }

  /// The file to read: `option`, else `SANDBOX_CONFIG_PATH`, else `~/.sandbox.toml`.
  public Path path(Optional<String> option) {
    String variable = environment.getOrDefault(PATH_VARIABLE, "");
    return expand(option.orElse(variable.isEmpty() ? "~/.sandbox.toml" : variable));
  }

  /// `text` as a path, with a leading `~` expanded.
  public Path expand(String text) {
    if (text.equals("~")) {
      return home;
    }
    return text.startsWith("~/") ? home.resolve(text.substring(2)) : Path.of(text);
  }

  /// The configuration in `file`; a missing file counts as an empty one, which lacks `[runtime]`.
  ///
  /// Throws [ConfigException] with every violation, and [UncheckedIOException] when the file cannot
  /// be read.
  public Config load(Path file) {
    try {
      return parse(file.toString(), Files.exists(file) ? Files.readString(file) : "");
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read configuration \"" + file + "\"", e);
    }
  }

  /// The configuration in `toml`.
  ///
  /// @param name of the file, for messages
  public Config parse(String name, String toml) {
    TomlParseResult result = Toml.parse(toml);
    if (result.hasErrors()) {
      throw new ConfigException(
          name,
          result.errors().stream()
              .map(error -> "line " + error.position().line() + ": " + error.getMessage())
              .toList());
    }
    var reader = new SectionReader(result);
    Config config = build(reader);
    refuse(name, reader);
    checkAcrossSections(reader, config);
    refuse(name, reader);
    return config;
  }

  private static void refuse(String name, SectionReader reader) {
    if (!reader.violations().isEmpty()) {
      throw new ConfigException(name, reader.violations());
    }
  }

  private Config build(SectionReader reader) {
    Config.Server server = server(reader);
    Config.Log log = log(reader);
    Values runtime = reader.read(ConfigSchema.RUNTIME);
    if (!reader.isPresent(ConfigSchema.RUNTIME)) {
      reader.complain("runtime", "the section [runtime] with type and execd_image is required");
    } else if (runtime.string("execd_image", "").isEmpty()
        && !runtime.string("type", "").equals("local")) {
      reader.complain("runtime.execd_image", "is required");
    }
    Config.Docker docker = docker(reader.read(ConfigSchema.DOCKER));
    reader.read(ConfigSchema.KUBERNETES);
    reader.read(ConfigSchema.AGENT_SANDBOX);
    Config.Ingress ingress = ingress(reader);
    Values egress = reader.read(ConfigSchema.EGRESS);
    Values storage = reader.read(ConfigSchema.STORAGE);
    return new Config(
        server,
        log,
        new Config.RuntimeChoice(runtime.string("type", ""), runtime.string("execd_image", "")),
        docker,
        local(reader.read(ConfigSchema.LOCAL)),
        ingress,
        new Config.Egress(
            egress.nonBlank("image"),
            egress.string("mode", "dns"),
            egress.bool("disable_ipv6", true)),
        new Config.Storage(
            storage.strings("allowed_host_paths", List.of()),
            storage.string("volume_default_size", "1Gi"),
            storage.string("ossfs_mount_root", "/mnt/ossfs")),
        store(reader),
        secureRuntime(reader),
        renewIntent(reader));
  }

  private Config.Server server(SectionReader reader) {
    Values values = reader.read(ConfigSchema.SERVER);
    Optional<String> key =
        Optional.ofNullable(environment.get(API_KEY_VARIABLE)).or(() -> values.text("api_key"));
    return new Config.Server(
        values.string("host", "0.0.0.0"),
        (int) values.integer("port", 8080),
        key.filter(text -> !text.isBlank()),
        values.nonBlank("eip").map(String::strip),
        values.integer("max_sandbox_timeout_seconds"),
        Duration.ofSeconds(values.integer("timeout_keep_alive", 30)),
        (int) Math.min(Integer.MAX_VALUE, values.integer("limit_concurrency", 1024)),
        (int) values.integer("backlog", 2048),
        (int) values.integer("max_body_bytes", 1 << 20),
        Duration.ofSeconds(values.integer("create_wait_seconds", 5)),
        values.integer("rate_limit_per_minute", 0),
        apiKeys(reader, values));
  }

  private static List<Config.ApiKey> apiKeys(SectionReader reader, Values values) {
    List<Config.ApiKey> keys = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (TomlTable table : values.tables("keys")) {
      Object name = table.get(List.of("name"));
      Object hash = table.get(List.of("key_sha256"));
      Object tenant = table.get(List.of("tenant"));
      List<String> scopes = scopes(table);
      if (!(name instanceof String nameText) || nameText.isBlank() || !names.add(nameText)) {
        reader.complain("server.keys", "each needs a name of its own");
      } else if (!(hash instanceof String hashText) || !hashText.matches("[0-9a-f]{64}")) {
        reader.complain(
            "server.keys",
            "\"" + nameText + "\" needs key_sha256: the lower-case hex SHA-256 of the key");
      } else if (scopes.isEmpty() || !SCOPES.containsAll(scopes)) {
        reader.complain(
            "server.keys", "\"" + nameText + "\" needs scopes out of read, write, admin");
      } else {
        Optional<String> tenantText =
            tenant instanceof String text && !text.isBlank() ? Optional.of(text) : Optional.empty();
        keys.add(new Config.ApiKey(nameText, hashText, scopes, tenantText));
      }
    }
    return keys;
  }

  private static List<String> scopes(TomlTable table) {
    Object raw = table.get(List.of("scopes"));
    List<String> scopes = new ArrayList<>();
    if (raw instanceof org.tomlj.TomlArray array) {
      for (Object element : array.toList()) {
        scopes.add(String.valueOf(element));
      }
    }
    return scopes;
  }

  private Config.Log log(SectionReader reader) {
    Values values = reader.read(ConfigSchema.LOG);
    String level = values.string("level", "INFO").toUpperCase(Locale.ROOT);
    if (!LEVELS.contains(level)) {
      reader.complain("log.level", "must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL");
    }
    return new Config.Log(
        level,
        values.bool("file_enabled", false),
        expand(values.string("file_path", "~/logs/opensandbox/server.log")),
        expand(values.string("access_file_path", "~/logs/opensandbox/access.log")),
        values.integer("file_max_bytes", 104857600),
        (int) values.integer("file_backup_count", 5));
  }

  private static Config.Docker docker(Values values) {
    return new Config.Docker(
        values.string("network_mode", "host"),
        Duration.ofSeconds(values.integer("api_timeout", 180)),
        values.nonBlank("host_ip"),
        values.strings(
            "drop_capabilities", DockerRuntimeConfig.Security.DEFAULT.dropCapabilities()),
        values.nonBlank("apparmor_profile"),
        values.bool("no_new_privileges", true),
        values.nonBlank("seccomp_profile"),
        OptionalInt.of((int) Math.min(Integer.MAX_VALUE, values.integer("pids_limit", 4096))));
  }

  private Config.Local local(Values values) {
    return new Config.Local(
        expand(values.string("data_dir", "~/.opensandbox/local")),
        expand(values.string("execd_dir", "~/.opensandbox/execd")),
        values.integer("pids_limit", 4096),
        values.integer("log_max_bytes", 16 << 20),
        values.integer("image_max_bytes", 20L << 30),
        values.integer("memory_max_bytes"),
        (int) values.integer("prepared_networks", 8),
        values.strings("image_dirs", List.of()).stream().map(this::expand).toList(),
        values.strings("insecure_registries", List.of()),
        values.strings("image_layouts", List.of()).stream().map(this::expand).toList(),
        values.integer("disk_max_bytes"),
        values.integer("sandbox_disk_bytes", 10L << 30),
        values.bool("require_limits", true));
  }

  private static Config.Ingress ingress(SectionReader reader) {
    String mode = reader.read(ConfigSchema.INGRESS).string("mode", "direct");
    Values gateway = reader.read(ConfigSchema.INGRESS_GATEWAY);
    Values route = reader.read(ConfigSchema.INGRESS_GATEWAY_ROUTE);
    Values secure = reader.read(ConfigSchema.INGRESS_SECURE_ACCESS);
    Map<String, byte[]> keys = signingKeys(reader, secure);
    if (mode.equals("gateway") && !gateway.present()) {
      reader.complain("ingress.gateway", "is required when ingress.mode is \"gateway\"");
    }
    if (mode.equals("direct") && gateway.present()) {
      reader.complain("ingress.gateway", "must be absent when ingress.mode is \"direct\"");
    }
    if (mode.equals("direct") && secure.present()) {
      reader.complain("ingress.secure_access", "needs ingress.mode \"gateway\"");
    }
    if (gateway.present() && !route.present()) {
      reader.complain("ingress.gateway.route", "is required in [ingress.gateway]");
    }
    String address = gateway.string("address", "");
    String routeMode = route.string("mode", "");
    if (!address.isEmpty() && !routeMode.isEmpty()) {
      checkAddress(reader, address, routeMode);
    }
    return new Config.Ingress(
        mode,
        gateway.present()
            ? Optional.of(new Config.Ingress.Gateway(address, routeMode))
            : Optional.empty(),
        keys);
  }

  private static Map<String, byte[]> signingKeys(SectionReader reader, Values secure) {
    Map<String, byte[]> keys = new LinkedHashMap<>();
    for (TomlTable table : secure.tables("keys")) {
      Object id = table.get(List.of("key_id"));
      Object key = table.get(List.of("key"));
      if (!(id instanceof String idText) || !idText.matches("[0-9a-z]")) {
        reader.complain(
            "ingress.secure_access.keys", "key_id must be exactly one character of 0-9a-z");
      } else if (!(key instanceof String keyText) || decode(keyText).length == 0) {
        reader.complain(
            "ingress.secure_access.keys", "key \"" + idText + "\" must be non-empty base64");
      } else if (keys.put(idText, decode(keyText)) != null) {
        reader.complain("ingress.secure_access.keys", "key_id \"" + idText + "\" stands twice");
      }
    }
    Optional<String> active = secure.text("active_key");
    if (active.isPresent() && !keys.containsKey(active.get())) {
      reader.complain("ingress.secure_access.active_key", "must be the key_id of one of the keys");
    }
    return keys;
  }

  private static byte[] decode(String base64) {
    try {
      return Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException _) { // reported by the caller as an empty key
      return new byte[0];
    }
  }

  private static void checkAddress(SectionReader reader, String address, String routeMode) {
    String path = "ingress.gateway.address";
    switch (routeMode) {
      case "wildcard" -> {
        if (!WILDCARD.matcher(address).matches()) {
          reader.complain(path, "must look like \"*.example.com\" for route mode \"wildcard\"");
        }
      }
      case "header" -> {
        if (!isHostWithPort(address)) {
          reader.complain(path, "must be hostname[:port] or IPv4[:port] for route mode \"header\"");
        }
      }
      default -> {
        if (address.isBlank() || address.contains("*")) {
          reader.complain(path, "must not be blank or contain \"*\" for route mode \"uri\"");
        }
      }
    }
  }

  private static boolean isHostWithPort(String address) {
    int colon = address.indexOf(':');
    if (colon < 0) {
      return HOST.matcher(address).matches();
    }
    String port = address.substring(colon + 1);
    return HOST.matcher(address.substring(0, colon)).matches()
        && port.matches("\\d{1,5}")
        && Integer.parseInt(port) >= 1
        && Integer.parseInt(port) <= 65535;
  }

  private Config.Store store(SectionReader reader) {
    Values values = reader.read(ConfigSchema.STORE);
    return new Config.Store(
        expand(values.string("path", "~/.opensandbox/opensandbox.db")),
        values.string("type", "sqlite").equals("postgresql")
            ? postgresql(reader, values)
            : Optional.empty(),
        Duration.ofSeconds(values.integer("lease_seconds", 15)),
        (int) values.integer("max_snapshots", 0));
  }

  private Optional<PostgresqlAddress> postgresql(SectionReader reader, Values values) {
    Optional<String> url = values.nonBlank("url");
    if (url.isEmpty()) {
      reader.complain("store.url", "is required when store.type is \"postgresql\"");
      return Optional.empty();
    }
    try {
      return Optional.of(
          PostgresqlAddress.parse(
              url.get(),
              values.nonBlank("user"),
              Optional.ofNullable(environment.get(STORE_PASSWORD_VARIABLE))
                  .or(() -> values.text("password")),
              (int) values.integer("max_connections", 10)));
    } catch (IllegalArgumentException e) {
      reader.complain("store.url", String.valueOf(e.getMessage()));
      return Optional.empty();
    }
  }

  private static Config.SecureRuntime secureRuntime(SectionReader reader) {
    Values values = reader.read(ConfigSchema.SECURE_RUNTIME);
    String type = values.string("type", "");
    Optional<String> docker = values.nonBlank("docker_runtime");
    Optional<String> kubernetes = values.nonBlank("k8s_runtime_class");
    boolean named = docker.isPresent() || kubernetes.isPresent();
    switch (type) {
      case "" -> {
        if (named) {
          reader.complain(
              "secure_runtime.type", "must be set when docker_runtime or k8s_runtime_class is set");
        }
      }
      case "firecracker" -> {
        if (kubernetes.isEmpty()) {
          reader.complain(
              "secure_runtime.k8s_runtime_class", "is required when type is \"firecracker\"");
        }
      }
      default -> {
        if (!named) {
          reader.complain(
              "secure_runtime.type", "\"" + type + "\" needs docker_runtime or k8s_runtime_class");
        }
      }
    }
    return new Config.SecureRuntime(type, docker, kubernetes);
  }

  private static Config.RenewIntent renewIntent(SectionReader reader) {
    Values values = reader.read(ConfigSchema.RENEW_INTENT);
    Values redis = reader.read(ConfigSchema.RENEW_INTENT_REDIS);
    boolean redisEnabled = redis.bool("enabled", false);
    if (redisEnabled && redis.nonBlank("dsn").isEmpty()) {
      reader.complain("renew_intent.redis.dsn", "is required when renew_intent.redis.enabled");
    }
    return new Config.RenewIntent(
        values.bool("enabled", false),
        Duration.ofSeconds(values.integer("min_interval_seconds", 60)),
        redisEnabled
            ? redis
                .nonBlank("dsn")
                .map(dsn ->
                    new Config.RenewSignals(
                        dsn,
                        redis.string("queue_key", "opensandbox:renew:intent"),
                        (int) redis.integer("consumer_concurrency", 8)))
            : Optional.empty());
  }

  private static void checkAcrossSections(SectionReader reader, Config config) {
    switch (config.runtime().type()) {
      case "docker" -> {
        if (reader.isPresent(ConfigSchema.KUBERNETES)) {
          reader.complain("kubernetes", "must be absent when runtime.type is \"docker\"");
        }
        if (reader.isPresent(ConfigSchema.AGENT_SANDBOX)) {
          reader.complain("agent_sandbox", "must be absent when runtime.type is \"docker\"");
        }
        if (!config.ingress().mode().equals("direct")) {
          reader.complain("ingress.mode", "must be \"direct\" when runtime.type is \"docker\"");
        }
        if (config.secureRuntime().type().equals("firecracker")) {
          reader.complain(
              "secure_runtime.type", "\"firecracker\" needs runtime.type \"kubernetes\"");
        }
      }
      case "kubernetes" -> {
        String provider =
            reader
                .read(ConfigSchema.KUBERNETES)
                .nonBlank("workload_provider")
                .orElse("batchsandbox");
        if (!provider.equalsIgnoreCase("agent-sandbox")
            && reader.isPresent(ConfigSchema.AGENT_SANDBOX)) {
          reader.complain(
              "agent_sandbox", "needs kubernetes.workload_provider = \"agent-sandbox\"");
        }
      }
      default -> {
        // The local runtime has no sections that exclude others.
      }
    }
  }
}
