package io.opensandbox.server.config;

import static io.opensandbox.server.config.Key.REQUIRED;
import static io.opensandbox.server.config.Key.UNSET;
import static io.opensandbox.server.config.Key.bool;
import static io.opensandbox.server.config.Key.choice;
import static io.opensandbox.server.config.Key.integer;
import static io.opensandbox.server.config.Key.number;
import static io.opensandbox.server.config.Key.string;
import static io.opensandbox.server.config.Key.strings;

import java.util.List;
import org.tomlj.TomlTable;

/// Every section and key that the server knows, once.
final class ConfigSchema {
  private static final long ANY = Long.MAX_VALUE;

  static final Section SERVER =
      new Section(
          "server",
          "HTTP server and access.",
          List.of(
              string(
                      "host",
                      "\"0.0.0.0\"",
                      "Bind address; also the host of Docker endpoints when it is not a wildcard.")
                  .atLeast(1),
              integer("port", "8080", 1, 65535, "Listen port."),
              string(
                  "api_key",
                  UNSET,
                  "API key that clients send as OPEN-SANDBOX-API-KEY. Blank turns authentication"
                      + " off, which OPENSANDBOX_INSECURE_SERVER=YES has to acknowledge."),
              string(
                  "eip",
                  UNSET,
                  "Public host for returned endpoints; may contain a port and a path."),
              integer(
                  "max_sandbox_timeout_seconds",
                  UNSET,
                  60,
                  ANY,
                  "Upper bound for the timeout of a create; not applied to renewals."),
              integer("timeout_keep_alive", "30", 1, ANY, "Idle keep-alive, seconds."),
              integer(
                  "limit_concurrency",
                  "1024",
                  0,
                  ANY,
                  "Requests at once above which new ones get 503; 0 means no limit."),
              integer("backlog", "2048", 1, Integer.MAX_VALUE, "Listen backlog."),
              integer(
                  "thread_pool_size",
                  "200",
                  1,
                  ANY,
                  "Accepted for compatibility; requests run on virtual threads."),
              choice(
                  "loop",
                  "\"auto\"",
                  List.of("auto", "uvloop", "asyncio"),
                  "Accepted for compatibility, without effect."),
              choice(
                  "http",
                  "\"auto\"",
                  List.of("auto", "httptools", "h11"),
                  "Accepted for compatibility, without effect."),
              integer(
                  "max_body_bytes",
                  "1048576",
                  1024,
                  Integer.MAX_VALUE,
                  "Largest JSON request body; a larger one gets 413. Proxied bodies are not"
                      + " limited."),
              integer(
                  "create_wait_seconds",
                  "5",
                  0,
                  25,
                  "How long a create waits for an image pull before it answers Pending and goes on"
                      + " in the background."),
              integer(
                  "rate_limit_per_minute",
                  "0",
                  0,
                  ANY,
                  "Requests per minute of one API key; more get 429 with Retry-After. 0 means no"
                      + " limit."),
              Key.of(
                  Key.Type.TABLES,
                  "keys",
                  "[]",
                  "Further API keys: tables with name, key_sha256 (lower-case hex of the key's"
                      + " SHA-256), scopes (read, write, admin) and an optional tenant, whose keys"
                      + " see only their own sandboxes.")));

  static final Section LOG =
      new Section(
          "log",
          "Logging.",
          List.of(
              string("level", "\"INFO\"", "Lowest level that is written.").atLeast(3),
              bool("file_enabled", "false", "Rotate into files instead of writing to stdout."),
              string(
                  "file_path",
                  "\"~/logs/opensandbox/server.log\"",
                  "Main log; only when file_enabled."),
              string(
                  "access_file_path",
                  "\"~/logs/opensandbox/access.log\"",
                  "HTTP access log; only when file_enabled."),
              integer("file_max_bytes", "104857600", 1, ANY, "Size at which a file is rotated."),
              integer("file_backup_count", "5", 0, 1000, "Rotated files that are kept.")));

  static final Section RUNTIME =
      new Section(
          "runtime",
          "What runs sandboxes. Required.",
          List.of(
              choice(
                  "type",
                  REQUIRED,
                  List.of("docker", "kubernetes", "local"),
                  "Runtime that makes sandboxes."),
              string(
                  "execd_image",
                  UNSET,
                  "Image that provides /execd and /bootstrap.sh. Required unless type is"
                      + " \"local\".")));

  static final Section DOCKER =
      new Section(
          "docker",
          "Used when runtime.type is \"docker\".",
          List.of(
              string(
                  "network_mode",
                  "\"host\"",
                  "host, bridge, or the name of a user-defined network. Network policies need"
                      + " bridge."),
              integer("api_timeout", UNSET, 1, ANY, "Engine API timeout, seconds; unset is 180."),
              string(
                  "host_ip",
                  UNSET,
                  "Host of endpoints when the server itself runs in a container and server.host is"
                      + " a wildcard."),
              strings(
                  "drop_capabilities",
                  "[\"AUDIT_WRITE\", \"MKNOD\", \"NET_ADMIN\", \"NET_RAW\", \"SYS_ADMIN\","
                      + " \"SYS_MODULE\", \"SYS_PTRACE\", \"SYS_TIME\", \"SYS_TTY_CONFIG\"]",
                  "Capabilities that sandboxes lose."),
              string("apparmor_profile", UNSET, "AppArmor profile of sandboxes."),
              bool("no_new_privileges", "true", "Keep sandboxes from gaining privileges."),
              string(
                  "seccomp_profile",
                  UNSET,
                  "Seccomp profile of sandboxes: a path, or \"unconfined\"."),
              integer("pids_limit", "4096", 1, ANY, "Processes and threads of one sandbox.")));

  static final Section KUBERNETES =
      new Section(
          "kubernetes",
          "Used when runtime.type is \"kubernetes\".",
          List.of(
              string("kubeconfig_path", UNSET, "Unset or empty means in-cluster credentials."),
              string("namespace", UNSET, "Namespace of all resources."),
              string("service_account", UNSET, "Applied by the agent-sandbox provider only."),
              string(
                  "workload_provider", UNSET, "batchsandbox or agent-sandbox; unset is the first."),
              string("batchsandbox_template_file", UNSET, "BatchSandbox YAML template."),
              string("image_pull_policy", "\"IfNotPresent\"", "Pull policy of the main container."),
              integer("sandbox_create_timeout_seconds", "60", 1, ANY, "How long a create waits."),
              number("sandbox_create_poll_interval_seconds", "1.0", false, "Pause between looks."),
              integer(
                  "snapshot_create_timeout_seconds",
                  "900",
                  1,
                  ANY,
                  "How long a snapshot may take."),
              bool("informer_enabled", "true", "Watch-backed read cache."),
              integer("informer_resync_seconds", "300", 1, ANY, "Resync of the cache."),
              integer("informer_watch_timeout_seconds", "60", 1, ANY, "Length of one watch."),
              number("read_qps", "0.0", true, "Reads per second; 0 means no limit."),
              integer("read_burst", "0", 0, ANY, "Burst of reads; 0 means read_qps."),
              number("write_qps", "0.0", true, "Writes per second; 0 means no limit."),
              integer("write_burst", "0", 0, ANY, "Burst of writes; 0 means write_qps."),
              Key.of(
                      Key.Type.TABLE,
                      "execd_init_resources",
                      UNSET,
                      "Resources of the execd init container.")
                  .checked(
                      "a table with the tables limits and requests of strings",
                      value -> ofTexts(value, "limits") && ofTexts(value, "requests"))));

  static final Section AGENT_SANDBOX =
      new Section(
          "agent_sandbox",
          "Used when kubernetes.workload_provider is \"agent-sandbox\".",
          List.of(
              string("template_file", UNSET, "Sandbox YAML template."),
              choice(
                  "shutdown_policy",
                  "\"Delete\"",
                  List.of("Delete", "Retain"),
                  "What becomes of an expired sandbox."),
              bool("ingress_enabled", "true", "Accepted, without effect.")));

  static final Section INGRESS =
      new Section(
          "ingress",
          "How clients reach sandboxes.",
          List.of(
              choice(
                  "mode",
                  "\"direct\"",
                  List.of("direct", "gateway"),
                  "Straight to the sandbox or through the ingress gateway.")));

  static final Section INGRESS_GATEWAY =
      new Section(
          "ingress.gateway",
          "Required when ingress.mode is \"gateway\".",
          List.of(
              string("address", REQUIRED, "Address of the gateway, without scheme.")
                  .checked(
                      "a non-empty address without \"://\"",
                      value -> !((String) value).isEmpty() && !((String) value).contains("://"))));

  static final Section INGRESS_GATEWAY_ROUTE =
      new Section(
          "ingress.gateway.route",
          "Required when ingress.mode is \"gateway\".",
          List.of(
              choice(
                  "mode",
                  REQUIRED,
                  List.of("wildcard", "header", "uri"),
                  "How the gateway tells sandboxes apart.")));

  static final Section INGRESS_SECURE_ACCESS =
      new Section(
          "ingress.secure_access",
          "Keys that sign routes; only with ingress.mode \"gateway\".",
          List.of(
              string("active_key", REQUIRED, "Id of the key that signs.")
                  .checked(
                      "exactly one character of 0-9a-z",
                      value -> ((String) value).matches("[0-9a-z]")),
              Key.of(
                      Key.Type.TABLES,
                      "keys",
                      REQUIRED,
                      "Tables with key_id (one character of 0-9a-z) and key (base64).")
                  .checked("at least one table", value -> !((List<?>) value).isEmpty())));

  static final Section EGRESS =
      new Section(
          "egress",
          "Network policy.",
          List.of(
              string(
                      "image",
                      UNSET,
                      "Sidecar image; needed as soon as a request carries networkPolicy.")
                  .atLeast(1),
              choice("mode", "\"dns\"", List.of("dns", "dns+nft"), "How policies are enforced."),
              bool("disable_ipv6", "true", "Turn IPv6 off where a policy applies.")));

  static final Section STORAGE =
      new Section(
          "storage",
          "Volumes.",
          List.of(
              strings(
                  "allowed_host_paths",
                  "[]",
                  "Prefixes below which host paths may be mounted; empty refuses every host"
                      + " mount."),
              string("volume_default_size", "\"1Gi\"", "Size of auto-created Kubernetes volumes."),
              string("ossfs_mount_root", "\"/mnt/ossfs\"", "Root of OSSFS mounts on the host.")));

  static final Section STORE =
      new Section(
          "store",
          "Where the server keeps what it knows.",
          List.of(
              choice(
                  "type",
                  "\"sqlite\"",
                  List.of("sqlite", "postgresql"),
                  "\"sqlite\" is one file, used by one server at a time; \"postgresql\" is a"
                      + " database that several servers share."),
              string(
                      "path",
                      "\"~/.opensandbox/opensandbox.db\"",
                      "The SQLite file; parents are created.")
                  .atLeast(1),
              string(
                  "url",
                  UNSET,
                  "postgresql://HOST[:PORT]/DATABASE[?OPTIONS], options as the PostgreSQL JDBC"
                      + " driver has them (sslmode=verify-full). Required when type is"
                      + " \"postgresql\"; the same text for every server that shares the"
                      + " database."),
              string("user", UNSET, "Login of the PostgreSQL database."),
              string(
                  "password",
                  UNSET,
                  "Password of the PostgreSQL database; OPENSANDBOX_STORE_PASSWORD replaces it."),
              integer("max_connections", "10", 2, 1000, "Connections of one server to PostgreSQL."),
              integer(
                  "lease_seconds",
                  "15",
                  2,
                  3600,
                  "How long a server that shares the store may be silent before others take over"
                      + " what it was working on."),
              integer(
                  "max_snapshots",
                  "0",
                  0,
                  Integer.MAX_VALUE,
                  "Snapshots that may exist at once; 0 means no limit.")));

  static final Section SECURE_RUNTIME =
      new Section(
          "secure_runtime",
          "A stronger boundary around sandboxes.",
          List.of(
              choice(
                  "type",
                  "\"\"",
                  List.of("", "gvisor", "kata", "firecracker"),
                  "Kind of boundary; empty means the runtime's own."),
              string("docker_runtime", UNSET, "Name of the OCI runtime."),
              string("k8s_runtime_class", UNSET, "Name of the RuntimeClass.")));

  static final Section RENEW_INTENT =
      new Section(
          "renew_intent",
          "Renewal on access (experimental).",
          List.of(
              bool("enabled", "false", "Master switch."),
              integer(
                  "min_interval_seconds",
                  "60",
                  1,
                  ANY,
                  "Shortest time between two renewals of one sandbox.")));

  static final Section RENEW_INTENT_REDIS =
      new Section(
          "renew_intent.redis",
          "Signals from the ingress.",
          List.of(
              bool("enabled", "false", "Read signals from Redis."),
              string("dsn", UNSET, "Address of Redis; required when enabled."),
              string("queue_key", "\"opensandbox:renew:intent\"", "List to read from.").atLeast(1),
              integer("consumer_concurrency", "8", 1, 1024, "Readers.")));

  /// In the order of the documentation.
  static final Section LOCAL =
      new Section(
          "local",
          "Used when runtime.type is \"local\".",
          List.of(
              string(
                  "data_dir",
                  "\"~/.opensandbox/local\"",
                  "Images, sandboxes and named volumes; one server per directory."),
              string(
                  "execd_dir",
                  "\"~/.opensandbox/execd\"",
                  "Directory with execd and bootstrap.sh, as scripts/package-execd makes it."),
              integer("pids_limit", "4096", 1, ANY, "Processes and threads per sandbox."),
              integer(
                  "log_max_bytes",
                  "16777216",
                  65536,
                  ANY,
                  "Output kept of each sandbox; the oldest goes first."),
              integer(
                  "image_max_bytes",
                  "21474836480",
                  1,
                  ANY,
                  "Disk for images; unused ones are removed above it."),
              integer(
                  "memory_max_bytes",
                  UNSET,
                  1,
                  ANY,
                  "Memory of all sandboxes together; unset is nine tenths of the machine's."),
              integer("prepared_networks", "8", 0, 256, "Network namespaces that are kept ready."),
              strings(
                  "image_dirs",
                  "[]",
                  "Directories below which oci: and docker-archive: images may lie."),
              strings(
                  "insecure_registries",
                  "[]",
                  "Registries (host or host:port) spoken to without TLS; loopback always is."),
              strings(
                  "image_layouts",
                  "[]",
                  "OCI image layouts whose images are known by their names, without a"
                      + " registry."),
              integer(
                  "disk_max_bytes",
                  UNSET,
                  0,
                  ANY,
                  "Size of the file system for everything in data_dir, when it is made; unset is"
                      + " nine tenths of what is free, 0 means none, and no quotas."),
              integer(
                  "sandbox_disk_bytes",
                  "10737418240",
                  1048576,
                  ANY,
                  "What a sandbox may write unless its resourceLimits have \"disk\"."),
              bool(
                  "require_limits",
                  "true",
                  "Refuse resourceLimits that this host gives an ordinary user no means to enforce;"
                      + " false runs such sandboxes without these limits.")));

  static final List<Section> ALL =
      List.of(
          SERVER,
          LOG,
          RUNTIME,
          DOCKER,
          LOCAL,
          KUBERNETES,
          AGENT_SANDBOX,
          INGRESS,
          INGRESS_GATEWAY,
          INGRESS_GATEWAY_ROUTE,
          INGRESS_SECURE_ACCESS,
          EGRESS,
          STORAGE,
          STORE,
          SECURE_RUNTIME,
          RENEW_INTENT,
          RENEW_INTENT_REDIS);

  private ConfigSchema() {}

  private static boolean ofTexts(Object table, String name) {
    Object inner = ((TomlTable) table).get(List.of(name));
    return inner == null
        || (inner instanceof TomlTable texts
            && texts.toMap().values().stream().allMatch(String.class::isInstance));
  }
}
