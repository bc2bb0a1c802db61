package io.opensandbox.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Reading of configuration files.
class ConfigLoaderTest {
  private static final String RUNTIME =
      """
      [runtime]
      type = "docker"
      execd_image = "execd"
      """;
  private static final String KUBERNETES = RUNTIME.replace("docker", "kubernetes");
  private static final String SECRET = "MDEyMzQ1Njc4OWFiY2RlZg==";

  @TempDir Path folder;

  private Config parse(String toml) {
    return new ConfigLoader(Map.of(), Path.of("/home/u")).parse("c.toml", toml);
  }

  @Test
  void defaultsAreTheContracts() {
    Config config = parse(RUNTIME);

    assertThat(config.server().host()).isEqualTo("0.0.0.0");
    assertThat(config.server().port()).isEqualTo(8080);
    assertThat(config.server().apiKey()).isEmpty();
    assertThat(config.server().keepAlive()).isEqualTo(Duration.ofSeconds(30));
    assertThat(config.server().maxConcurrency()).isEqualTo(1024);
    assertThat(config.server().backlog()).isEqualTo(2048);
    assertThat(config.server().maxSandboxTimeoutSeconds()).isEmpty();
    assertThat(config.log().file()).isEqualTo(Path.of("/home/u/logs/opensandbox/server.log"));
    assertThat(config.docker().networkMode()).isEqualTo("host");
    assertThat(config.docker().apiTimeout()).isEqualTo(Duration.ofMinutes(3));
    assertThat(config.docker().dropCapabilities()).hasSize(9).contains("SYS_ADMIN");
    assertThat(config.docker().pidsLimit()).hasValue(4096);
    assertThat(config.storage().allowedHostPaths()).isEmpty();
    assertThat(config.store().path()).isEqualTo(Path.of("/home/u/.opensandbox/opensandbox.db"));
    assertThat(config.renewIntent().enabled()).isFalse();
    assertThat(config.renewIntent().minInterval()).isEqualTo(Duration.ofMinutes(1));
  }

  @Test
  void unknownSectionsAndKeysAreIgnored() {
    assertThat(parse(RUNTIME + "zzz = 1\n[pause]\nx = 1\n").runtime().type()).isEqualTo("docker");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"8081\"", "8081.0", "8081"})
  void integersAreCoerced(String value) {
    assertThat(parse("server.port = " + value + "\n" + RUNTIME).server().port()).isEqualTo(8081);
  }

  @Test
  void environmentReplacesTheKeyEvenWhenEmpty() {
    String toml = "server.api_key = \"a\"\n" + RUNTIME;

    var replaced = new ConfigLoader(Map.of("OPENSANDBOX_SERVER_API_KEY", "b"), folder);
    var emptied = new ConfigLoader(Map.of("OPENSANDBOX_SERVER_API_KEY", ""), folder);

    assertThat(replaced.parse("c", toml).server().apiKey()).contains("b");
    assertThat(emptied.parse("c", toml).server().apiKey()).isEmpty();
  }

  @Test
  void pathIsOptionThenVariableThenHome() {
    var loader = new ConfigLoader(Map.of("SANDBOX_CONFIG_PATH", "~/v.toml"), Path.of("/h"));

    assertThat(loader.path(Optional.of("/o.toml"))).isEqualTo(Path.of("/o.toml"));
    assertThat(loader.path(Optional.empty())).isEqualTo(Path.of("/h/v.toml"));
    assertThat(new ConfigLoader(Map.of(), Path.of("/h")).path(Optional.empty()))
        .isEqualTo(Path.of("/h/.sandbox.toml"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[server]; port = 0 | line 2: server.port must be 1 to 65535",
        "[server]; port = true | line 2: server.port must be an integer",
        "[server]; host = '' | line 2: server.host must be at least 1 character",
        "[server]; api_key = 5 | line 2: server.api_key must be a string",
        "[server]; max_sandbox_timeout_seconds = 59 | max_sandbox_timeout_seconds must be >= 60",
        "[server]; loop = 'fast' | server.loop must be one of",
        "[server]; limit_concurrency = -1 | server.limit_concurrency must be >= 0",
        "[log]; level = 'LOUD' | log.level",
        "[docker]; pids_limit = 0 | docker.pids_limit must be >= 1",
        "[docker]; drop_capabilities = 'X' | must be an array of string",
        "[store]; type = 'mysql' | store.type must be one of",
        "[store]; type = 'postgresql' | line 1: store.url: is required",
        "[store]; type = 'postgresql'; url = 'h' | line 3: store.url: must be postgresql://",
        "[store]; type = 'postgresql'; url = 'postgresql://u:p@h/d' | without user and password",
        "[store]; type = 'postgresql'; url = 'postgresql://h' | store.url: must be postgresql://",
        "[store]; type = 'postgresql'; url = 'mysql://h/d' | store.url: must be postgresql://",
        "[store]; url = 5 | line 2: store.url must be a string",
        "[store]; max_connections = 1 | line 2: store.max_connections must be 2 to 1000",
        "[store]; lease_seconds = 1 | line 2: store.lease_seconds must be 2 to 3600",
        "[store]; max_snapshots = -1 | line 2: store.max_snapshots must be 0 to",
        "[egress]; image = '' | egress.image must be at least 1 character",
        "[secure_runtime]; type = 'gvisor' | needs docker_runtime or k8s_runtime_class",
        "[secure_runtime]; docker_runtime = 'runsc' | secure_runtime.type",
        "[renew_intent]; redis.enabled = true | renew_intent.redis.dsn",
        "[ingress]; mode = 'gateway' | ingress.gateway",
        "[kubernetes] | kubernetes: must be absent",
        "[agent_sandbox] | agent_sandbox: must be absent",
        "[secure_runtime]; type = 'firecracker'; k8s_runtime_class = 'k' | firecracker"
      })
  void violationsNameKeyAndLine(String toml, String message) {
    assertThatThrownBy(() -> parse(toml.replace("; ", "\n") + "\n" + RUNTIME))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(message);
  }

  @Test
  void everyViolationIsToldAtOnce() {
    assertThatThrownBy(() -> parse("[server]\nport = 0\nbacklog = 0\n[runtime]\ntype = 'x'\n"))
        .hasMessageContaining("server.port")
        .hasMessageContaining("server.backlog")
        .hasMessageContaining("runtime.type")
        .hasMessageContaining("runtime.execd_image: is required");
  }

  @Test
  void missingFileLacksTheRuntime() {
    var loader = new ConfigLoader(Map.of(), folder);

    assertThatThrownBy(() -> loader.load(folder.resolve("none.toml")))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("[runtime]");
  }

  @Test
  void syntaxErrorsNameTheLine() {
    assertThatThrownBy(() -> parse("[runtime]\ntype = \n")).hasMessageContaining("line 2");
  }

  @ParameterizedTest
  @CsvSource({
    "wildcard, *.sandbox.example.com, true",
    "wildcard, *.com, false",
    "wildcard, *.a.b:80, false",
    "wildcard, a.b, false",
    "header, gateway.example.com:8080, true",
    "header, 10.0.0.1, true",
    "header, gateway.example.com:0, false",
    "header, gate_way, false",
    "header, a/b, false",
    "header, *.a.b, false",
    "uri, host:1/path, true",
    "uri, https://host, false"
  })
  void gatewayAddressesFollowTheirRouteMode(String mode, String address, boolean valid) {
    String toml =
        KUBERNETES
            + "[ingress]\nmode = \"gateway\"\ngateway.address = \""
            + address
            + "\"\ngateway.route.mode = \""
            + mode
            + "\"\n";

    if (valid) {
      assertThat(parse(toml).ingress().gateway().orElseThrow().address()).isEqualTo(address);
    } else {
      assertThatThrownBy(() -> parse(toml)).hasMessageContaining("ingress.gateway.address");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a | {key_id='a', key='%s'} | ok",
        "b | {key_id='a', key='%s'} | must be the key_id of one of the keys",
        "a | {key_id='aa', key='%s'} | exactly one character",
        "a | {key_id='a', key='?'} | non-empty base64",
        "a | {key_id='a', key='%s'}, {key_id='a', key='%s'} | stands twice"
      })
  void signingKeysAreChecked(String active, String keys, String outcome) {
    String toml =
        KUBERNETES
            + """
            [ingress]
            mode = "gateway"
            gateway.address = "h"
            gateway.route.mode = "uri"
            [ingress.secure_access]
            """
            + "active_key = '"
            + active
            + "'\nkeys = ["
            + keys.replace("%s", SECRET)
            + "]\n";

    if (outcome.equals("ok")) {
      assertThat(parse(toml).ingress().mode()).isEqualTo("gateway");
    } else {
      assertThatThrownBy(() -> parse(toml)).hasMessageContaining(outcome);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"docker", "docker-zh", "k8s", "k8s-zh"})
  void everyExampleLoadsAndHasNoKey(String example) throws IOException {
    Path file = folder.resolve("sub/example.toml");

    ConfigTemplates.write(file, Optional.of(example), false);

    Config config = new ConfigLoader(Map.of(), folder).load(file);
    assertThat(config.server().apiKey()).isEmpty();
    assertThat(config.server().maxSandboxTimeoutSeconds()).hasValue(86400);
    assertThatThrownBy(() -> ConfigTemplates.write(file, Optional.of(example), false))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("--force");
  }

  @Test
  void skeletonHasEveryKeyAndDoesNotLoad() throws IOException {
    Path file = folder.resolve("skeleton.toml");

    ConfigTemplates.write(file, Optional.empty(), true);

    assertThat(Files.readString(file)).contains("[server]", "redis.dsn = \"\"", "[storage]");
    assertThatThrownBy(() -> new ConfigLoader(Map.of(), folder).load(file))
        .isInstanceOf(ConfigException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "k, , false, START",
    "'', YES, false, START_WITH_WARNING",
    "'', yes, false, REFUSE",
    "' ', , false, REFUSE",
    "'', , true, ASK"
  })
  void startWithoutKeyNeedsAnAcknowledgement(
      String key, String insecure, boolean terminal, StartupGuard.Verdict verdict) {
    Config config = parse("server.api_key = \"" + key + "\"\n" + RUNTIME);
    Map<String, String> env =
        insecure == null ? Map.of() : Map.of("OPENSANDBOX_INSECURE_SERVER", insecure);

    assertThat(StartupGuard.judge(config.server(), env, terminal)).isEqualTo(verdict);
  }
}
