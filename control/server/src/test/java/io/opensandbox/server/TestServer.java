package io.opensandbox.server;

import io.opensandbox.runtime.FakeRuntime;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.config.Config;
import io.opensandbox.server.config.ConfigLoader;
import io.opensandbox.server.http.RouteTable;
import io.opensandbox.server.json.Json;
import io.opensandbox.server.json.JsonParser;
import io.opensandbox.server.store.Database;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;

/// The real server on a free loopback port, on the in-memory runtime.
public final class TestServer implements AutoCloseable {
  /// The key that its clients send.
  public static final String KEY = "test-key";

  private final HttpClient client = HttpClient.newHttpClient();
  private final OpenSandboxServer server;
  private final FakeRuntime runtime;

  private TestServer(OpenSandboxServer server, FakeRuntime runtime) {
    this.server = server;
    this.runtime = runtime;
  }

  /// An answer.
  ///
  /// @param body as text
  public record Answer(int status, String body, HttpResponse<String> response) {
    /// The body as a JSON object.
    public Json.Obj json() {
      return (Json.Obj) JsonParser.parse(body);
    }

    /// The text at a path of member names, or the empty text.
    public String text(String... path) {
      Json value = json();
      for (String name : path) {
        value = value instanceof Json.Obj object ? object.member(name) : null;
      }
      return value instanceof Json.Str text ? text.value() : "";
    }

    /// The states in a list of sandboxes or snapshots, by id.
    public Map<String, String> states() {
      Map<String, String> states = new TreeMap<>();
      if (json().member("items") instanceof Json.Arr items) {
        for (Json item : items.items()) {
          if (item instanceof Json.Obj object
              && object.member("id") instanceof Json.Str id
              && object.member("status") instanceof Json.Obj status
              && status.member("state") instanceof Json.Str state) {
            states.put(id.value(), state.value());
          }
        }
      }
      return states;
    }

    /// A response header.
    public Optional<String> header(String name) {
      return response.headers().firstValue(name);
    }
  }

  /// Starts a server with its store in `folder`.
  public static TestServer start(Path folder) {
    return start(folder, new FakeRuntime(), new FakeClock(), "");
  }

  /// Starts a server with its store in `folder`.
  ///
  /// @param toml added to the configuration
  public static TestServer start(Path folder, FakeRuntime runtime, FakeClock clock, String toml) {
    Config config = config(folder, toml);
    return start(folder, config, runtime, runtime, clock, Databases.open(config.store()));
  }

  /// Starts a server with its store in `folder` and these variables in its environment.
  public static TestServer startWith(Path folder, Map<String, String> variables) {
    Config config = config(folder, "");
    var runtime = new FakeRuntime();
    return start(
        folder,
        config,
        runtime,
        runtime,
        new FakeClock(),
        Databases.open(config.store()),
        variables);
  }

  /// Starts a server on `database` that sees `runtime` through `seen`.
  static TestServer start(
      Path folder,
      Config config,
      FakeRuntime runtime,
      SandboxRuntime seen,
      FakeClock clock,
      Database database) {
    return start(folder, config, runtime, seen, clock, database, Map.of());
  }

  private static TestServer start(
      Path folder,
      Config config,
      FakeRuntime runtime,
      SandboxRuntime seen,
      FakeClock clock,
      Database database,
      Map<String, String> variables) {
    var environment =
        new Environment(
            variables,
            folder,
            clock,
            new SecureRandom(),
            new PrintStream(System.out, true, StandardCharsets.UTF_8));
    OpenSandboxServer server =
        OpenSandboxServer.open(config.onPort(0), environment, seen, database);
    try {
      server.start();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
    return new TestServer(server, runtime);
  }

  /// A configuration with its store in `folder`.
  ///
  /// @param toml added to it
  static Config config(Path folder, String toml) {
    return config(folder, toml, Map.of());
  }

  private static Config config(Path folder, String toml, Map<String, String> variables) {
    return new ConfigLoader(variables, folder)
        .parse(
            "test.toml",
            """
            server.host = "127.0.0.1"
            server.api_key = "test-key"
            runtime.type = "docker"
            runtime.execd_image = "execd"
            docker.network_mode = "bridge"
            store.path = "%s"
            %s
            """
                .formatted(folder.resolve("store.db"), toml));
  }

  /// Starts a server that asks for no key.
  public static TestServer startWithoutKey(Path folder) {
    Config config = config(folder, "", Map.of(ConfigLoader.API_KEY_VARIABLE, ""));
    var runtime = new FakeRuntime();
    Database database = Databases.open(config.store());
    return start(folder, config, runtime, runtime, new FakeClock(), database);
  }

  /// The runtime below it.
  public FakeRuntime runtime() {
    return runtime;
  }

  /// What it serves, but for the proxy.
  public List<RouteTable.Entry> routes() {
    return server.routes().entries();
  }

  /// Its port.
  public int port() {
    return server.port();
  }

  /// Sends a request with the key.
  public Answer send(String method, String path) {
    return send(request(method, path, Optional.empty()));
  }

  /// Sends a request with the key and a JSON body.
  public Answer send(String method, String path, String body) {
    return send(request(method, path, Optional.of(body)));
  }

  /// A request with the key, to be changed.
  public HttpRequest.Builder request(String method, String path, Optional<String> body) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path))
            .header("OPEN-SANDBOX-API-KEY", KEY);
    if (body.isPresent()) {
      request.header("Content-Type", "application/json");
      return request.method(method, HttpRequest.BodyPublishers.ofString(body.get()));
    }
    return request.method(method, HttpRequest.BodyPublishers.noBody());
  }

  /// Sends a request as it is.
  public Answer send(HttpRequest.Builder request) {
    try {
      HttpResponse<String> response =
          client.send(request.build(), HttpResponse.BodyHandlers.ofString());
      return new Answer(response.statusCode(), response.body(), response);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /// Makes a sandbox that runs until it is removed, and returns its id.
  public String create() {
    Answer answer = send("POST", "/v1/sandboxes", body(""));
    if (answer.status() != 202) {
      throw new IllegalStateException(answer.body());
    }
    String id = answer.text("id");
    // Where the answer does not wait long, a machine that stalls makes it "Pending".
    long deadline = System.nanoTime() + 60_000_000_000L;
    while (answer.status() < 300 && answer.text("status", "state").equals("Pending")) {
      if (System.nanoTime() - deadline > 0) {
        throw new IllegalStateException("it stays pending: " + answer.body());
      }
      LockSupport.parkNanos(1_000_000);
      answer = send("GET", "/v1/sandboxes/" + id);
    }
    return id;
  }

  /// A valid create with further members.
  ///
  /// @param more starts with a comma unless it is empty
  public static String body(String more) {
    return "{\"image\":{\"uri\":\"busybox\"},\"entrypoint\":[\"sleep\",\"1d\"],"
        + "\"resourceLimits\":{}"
        + more
        + "}";
  }

  @Override
  public void close() {
    try {
      server.close();
    } catch (Fate.Death _) { // the dead hand nothing back
      return;
    } finally {
      client.close();
    }
  }
}
