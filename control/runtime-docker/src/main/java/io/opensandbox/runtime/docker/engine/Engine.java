package io.opensandbox.runtime.docker.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.TextNode;
import com.github.dockerjava.api.model.AuthConfig;
import com.github.dockerjava.core.DefaultDockerClientConfig;
import com.github.dockerjava.core.DockerClientConfig;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// A Docker engine. Every call blocks, has a deadline for silence, and fails with
/// [EngineException].
public final class Engine implements AutoCloseable {
  private static final int MAX_ERROR_BYTES = 64 * 1024;
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String OLDEST_API = "1.41";

  private final EngineTransport transport;
  private final String prefix;
  private final String os;
  private final String arch;

  private Engine(EngineTransport transport) {
    this.transport = transport;
    JsonNode version = parse(transport, EngineRequest.of("GET", "/version"));
    this.prefix = "/v" + negotiate(version);
    this.os = version.path("Os").asText("linux");
    this.arch = version.path("Arch").asText("amd64");
  }

  /// Connects and asks for the version.
  ///
  /// @param silence how long the engine may say nothing within one call
  public static Engine open(EngineAddress address, Duration silence) {
    return open(address, silence, EngineWatch.NONE);
  }

  /// The same.
  ///
  /// @param watch is told of every call
  public static Engine open(EngineAddress address, Duration silence, EngineWatch watch) {
    EngineTransport transport = new EngineTransport(address, silence, watch);
    try {
      return new Engine(transport);
    } catch (RuntimeException e) {
      transport.close();
      throw e;
    }
  }

  /// 1.41 is what the contract is written for; engines that no longer speak it get their oldest.
  private static String negotiate(JsonNode version) {
    String oldest = version.path("MinAPIVersion").asText(OLDEST_API);
    return minor(oldest) > minor(OLDEST_API) ? oldest : OLDEST_API;
  }

  private static int minor(String version) {
    try {
      return Integer.parseInt(version.substring(version.indexOf('.') + 1));
    } catch (NumberFormatException _) {
      return 0; // an engine that does not say gets what the contract is written for
    }
  }

  /// The engine's operating system, `linux`.
  public String os() {
    return os;
  }

  /// The engine's architecture, `amd64` or `arm64`.
  public String arch() {
    return arch;
  }

  /// Login that the user's Docker client configuration has for an image's registry, read anew.
  public Optional<AuthConfig> configuredLogin(String imageReference) {
    DockerClientConfig config =
        DefaultDockerClientConfig.createDefaultConfigBuilder()
            .withDockerHost("unix:///var/run/docker.sock") // only the transport connects
            .withDockerTlsVerify(false)
            .build();
    return Optional.ofNullable(config.effectiveAuthConfig(imageReference));
  }

  /// Answer of a call as JSON; a missing node when there is no body.
  public JsonNode get(String path) {
    return parse(transport, EngineRequest.of("GET", prefix + path));
  }

  /// Sends JSON, gives the answer as JSON.
  public JsonNode post(String path, JsonNode body) {
    return parse(
        transport,
        new EngineRequest(
            "POST",
            prefix + path,
            Map.of("Content-Type", "application/json"),
            body.toString(),
            null));
  }

  /// Sends a request without body, gives the answer as JSON.
  public JsonNode post(String path) {
    return parse(transport, EngineRequest.of("POST", prefix + path));
  }

  /// Returns when the engine answers.
  public void ping() {
    execute(transport, EngineRequest.of("GET", "/_ping"), null).close();
  }

  /// Deletes an object.
  public void delete(String path) {
    execute(transport, EngineRequest.of("DELETE", prefix + path), null).close();
  }

  private static JsonNode parse(EngineTransport transport, EngineRequest request) {
    try (EngineResponse response = execute(transport, request, null)) {
      return JSON.readTree(response.body());
    } catch (IOException e) {
      throw new EngineException(0, String.valueOf(e.getMessage()), e);
    }
  }

  /// Reads a stream of JSON objects until it ends.
  ///
  /// @param headers for example a registry login
  /// @param silence how long nothing may come
  public void stream(
      String method,
      String path,
      Map<String, String> headers,
      Duration silence,
      Consumer<JsonNode> each) {
    EngineRequest request = new EngineRequest(method, prefix + path, headers, null, null);
    try (EngineResponse response = execute(transport, request, silence)) {
      readAll(response, each);
    } catch (IOException e) {
      throw new EngineException(0, String.valueOf(e.getMessage()), e);
    }
  }

  /// Follows a stream of JSON objects that may be silent for ever.
  ///
  /// @param opened called once the engine has accepted the call
  public void follow(String path, Runnable opened, Consumer<JsonNode> each) {
    EngineRequest request = EngineRequest.of("GET", prefix + path);
    try (EngineResponse response = execute(transport, request, Duration.ZERO)) {
      opened.run();
      readAll(response, each);
    } catch (IOException e) {
      throw new EngineException(0, String.valueOf(e.getMessage()), e);
    }
  }

  private static void readAll(EngineResponse response, Consumer<JsonNode> each) throws IOException {
    try (MappingIterator<JsonNode> values =
        JSON.readerFor(JsonNode.class).readValues(response.body())) {
      while (values.hasNextValue()) {
        each.accept(values.nextValue());
      }
    }
  }

  /// Opens a body of bytes; the caller closes it.
  public InputStream open(String path) {
    EngineResponse response = execute(transport, EngineRequest.of("GET", prefix + path), null);
    return new FilterInputStream(response.body()) {
      @Override
      public void close() {
        response.close();
      }
    };
  }

  /// What is at a path of a container, running or not; empty when nothing is.
  public Optional<FileStat> stat(String containerId, String path) {
    EngineRequest request = EngineRequest.of("HEAD", prefix + archive(containerId, path));
    try (EngineResponse response = execute(transport, request, null)) {
      String header = response.header("X-Docker-Container-Path-Stat").orElse("");
      JsonNode stat = JSON.readTree(Base64.getDecoder().decode(header));
      return Optional.of(
          new FileStat(
              stat.path("name").asText(), stat.path("size").asLong(), stat.path("mode").asLong()));
    } catch (IOException e) {
      throw new EngineException(0, String.valueOf(e.getMessage()), e);
    } catch (EngineException e) {
      if (e.isNotFound()) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /// A path of a container, running or not, as a tar stream; the caller closes it.
  public InputStream readArchive(String containerId, String path) {
    return open(archive(containerId, path));
  }

  /// Unpacks a tar stream into a directory of a container, running or not.
  public void writeArchive(String containerId, String path, InputStream tar) {
    EngineRequest request =
        new EngineRequest(
            "PUT",
            prefix + archive(containerId, path),
            Map.of("Content-Type", "application/x-tar"),
            null,
            tar);
    execute(transport, request, null).close();
  }

  private static String archive(String containerId, String path) {
    return "/containers/" + encode(containerId) + "/archive?path=" + encode(path);
  }

  /// Escapes a value for a path or a query.
  public static String encode(String value) {
    return URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /// The value of the engine's `filters` parameter, escaped.
  public static String filters(Map<String, List<String>> filters) {
    return encode(
        filters.entrySet().stream()
            .map(entry ->
                quote(entry.getKey())
                    + ":["
                    + entry.getValue().stream().map(Engine::quote).collect(Collectors.joining(","))
                    + "]")
            .collect(Collectors.joining(",", "{", "}")));
  }

  private static String quote(String text) {
    return TextNode.valueOf(text).toString();
  }

  private static EngineResponse execute(
      EngineTransport transport, EngineRequest request, @Nullable Duration silence) {
    EngineResponse response;
    try {
      response =
          silence == null ? transport.exchange(request) : transport.exchange(request, silence);
    } catch (IOException e) {
      throw new EngineException(0, String.valueOf(e.getMessage()), e);
    }
    int status = response.status();
    if (status < 300 || status == 304) {
      return response;
    }
    try (response) {
      String body = new String(response.body().readNBytes(MAX_ERROR_BYTES), StandardCharsets.UTF_8);
      throw EngineException.answered(status, body, null);
    } catch (IOException e) {
      throw new EngineException(status, String.valueOf(e.getMessage()), e);
    }
  }

  @Override
  public void close() {
    transport.close();
  }
}
