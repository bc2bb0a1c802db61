package io.opensandbox.server;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Capabilities;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.PortAddress;
import io.opensandbox.runtime.PreparedImage;
import io.opensandbox.runtime.ResourceLimits;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.SandboxSpec;
import io.opensandbox.runtime.SandboxStats;
import io.opensandbox.runtime.docker.DockerRuntime;
import io.opensandbox.runtime.docker.DockerRuntimeConfig;
import io.opensandbox.runtime.docker.engine.EngineAddress;
import io.opensandbox.runtime.local.LocalRuntime;
import io.opensandbox.server.config.Config;
import io.opensandbox.server.config.ConfigLoader;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URL;
import java.net.URLDecoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.jar.JarFile;

/// Starts the server once at build time, on a runtime that makes nothing, and sends it the usual
/// requests, so that the JVM can record which classes a start needs (see `bin/rehearse`).
final class Rehearsal {
  private static final String CREATE =
      "{\"image\":{\"uri\":\"rehearsal\"},\"entrypoint\":[\"sleep 1d\"],\"timeout\":60,"
          + "\"resourceLimits\":{\"cpu\":\"1\",\"memory\":\"1Gi\"},\"metadata\":{\"a\":\"b\"}}";

  private Rehearsal() {}

  static void run(Environment environment) throws Exception {
    Path folder = Files.createTempDirectory("opensandbox-rehearsal");
    try {
      Config config =
          new ConfigLoader(Map.of(), folder)
              .parse(
                  "rehearsal.toml",
                  """
                  server.host = "127.0.0.1"
                  runtime.type = "docker"
                  runtime.execd_image = "rehearsal"
                  docker.network_mode = "bridge"
                  store.path = "%s"
                  """
                      .formatted(folder.resolve("store.db")))
              .onPort(0);
      Logging.configure(config.log());
      try (var server = OpenSandboxServer.open(config, environment, new Stage())) {
        server.start();
        visit("http://127.0.0.1:" + server.port());
      }
      meetAnEngine(environment);
      readLocalRuntime();
    } finally {
      try (var files = Files.list(folder)) {
        for (Path file : files.toList()) {
          Files.deleteIfExists(file);
        }
      }
      Files.deleteIfExists(folder);
    }
  }

  // The local runtime needs a host that lets it work, which a build machine need not be: its
  // classes
  // are read without running them.
  private static void readLocalRuntime() throws IOException, ClassNotFoundException {
    Class<?> runtime = LocalRuntime.class;
    URL jar = runtime.getProtectionDomain().getCodeSource().getLocation();
    if (!jar.getPath().endsWith(".jar")) {
      return; // a directory of classes is never cached
    }
    try (var classes = new JarFile(URLDecoder.decode(jar.getPath(), StandardCharsets.UTF_8))) {
      for (var entry : Collections.list(classes.entries())) {
        String name = entry.getName();
        if (name.endsWith(".class") && !name.endsWith("-info.class")) {
          String type = name.substring(0, name.length() - ".class".length()).replace('/', '.');
          Class.forName(type, false, runtime.getClassLoader());
        }
      }
    }
  }

  // An engine that knows nothing: enough for the Docker runtime to load what it starts with.
  private static void meetAnEngine(Environment environment) throws IOException {
    HttpServer engine =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    engine.createContext("/", Rehearsal::answerLikeAnEngine);
    engine.start();
    DockerRuntimeConfig defaults = DockerRuntimeConfig.of("rehearsal");
    var config =
        new DockerRuntimeConfig(
            new EngineAddress.Tcp("127.0.0.1", engine.getAddress().getPort(), Optional.empty()),
            "rehearsal",
            "bridge",
            Duration.ofSeconds(5),
            defaults.hosts(),
            defaults.security(),
            List.of(),
            defaults.buckets());
    try (SandboxRuntime runtime = DockerRuntime.open(config, environment.clock())) {
      runtime.list();
      runtime.find("00000000-0000-4000-8000-000000000000");
      runtime.isImagePresent(ImageRequest.of("rehearsal"));
    } catch (SandboxException e) {
      environment.out().println("the rehearsed engine was refused: " + e.getMessage());
    } finally {
      engine.stop(0);
    }
  }

  private static void answerLikeAnEngine(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    boolean missing = path.matches(".*/(images|containers)/.+/json");
    String body =
        path.endsWith("/containers/json")
            ? "[]"
            : "{\"ApiVersion\":\"1.41\",\"Os\":\"linux\",\"Arch\":\"amd64\",\"OSType\":\"linux\","
                + "\"Architecture\":\"x86_64\",\"Runtimes\":{},\"message\":\"no such thing\"}";
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Api-Version", "1.41");
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(missing ? 404 : 200, bytes.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(bytes);
    }
  }

  private static void visit(String base) throws IOException, InterruptedException {
    try (HttpClient client = HttpClient.newHttpClient()) {
      for (String path :
          List.of("/health", "/ready", "/v1/sandboxes?state=Running", "/v1/nope", "/metrics")) {
        send(client, HttpRequest.newBuilder(URI.create(base + path)).GET());
      }
      String created =
          send(
              client,
              HttpRequest.newBuilder(URI.create(base + "/v1/sandboxes"))
                  .header("Content-Type", "application/json")
                  .POST(HttpRequest.BodyPublishers.ofString(CREATE)));
      String id = created.replaceFirst(".*?\"id\":\"([^\"]*)\".*", "$1");
      String sandbox = base + "/v1/sandboxes/" + id;
      send(client, HttpRequest.newBuilder(URI.create(sandbox)).GET());
      send(client, HttpRequest.newBuilder(URI.create(sandbox + "/endpoints/44772")).GET());
      send(client, HttpRequest.newBuilder(URI.create(sandbox + "/proxy/1/")).GET());
      send(client, HttpRequest.newBuilder(URI.create(sandbox)).DELETE());
    }
  }

  private static String send(HttpClient client, HttpRequest.Builder request)
      throws IOException, InterruptedException {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString()).body();
  }

  /// A runtime whose sandboxes are entries in a map.
  private static final class Stage implements SandboxRuntime {
    private final Map<String, RuntimeSandbox> sandboxes = new ConcurrentHashMap<>();

    @Override
    public String name() {
      return "rehearsal";
    }

    @Override
    public Capabilities capabilities() {
      return new Capabilities(EnumSet.noneOf(Capabilities.Feature.class), "linux", "amd64");
    }

    @Override
    public PreparedImage prepareImage(ImageRequest request, ProgressListener progress) {
      return new PreparedImage(request.reference(), request.reference());
    }

    @Override
    public boolean isImagePresent(ImageRequest request) {
      return true;
    }

    @Override
    public void check(SandboxSpec spec) {
      // Everything is allowed on stage.
    }

    @Override
    public RuntimeSandbox create(SandboxSpec spec, PreparedImage image) {
      var sandbox =
          new RuntimeSandbox(
              spec.id(),
              RuntimeSandbox.State.RUNNING,
              OptionalInt.empty(),
              false,
              "",
              Instant.EPOCH,
              Optional.empty(),
              image.reference(),
              spec.entrypoint(),
              spec.labels());
      sandboxes.put(spec.id(), sandbox);
      return sandbox;
    }

    @Override
    public RuntimeSandbox start(String id) {
      return find(id).orElseThrow(() -> missing(id));
    }

    @Override
    public Optional<RuntimeSandbox> find(String id) {
      return Optional.ofNullable(sandboxes.get(id));
    }

    @Override
    public List<RuntimeSandbox> list() {
      return List.copyOf(sandboxes.values());
    }

    @Override
    public void pause(String id) {
      throw missing(id);
    }

    @Override
    public void resume(String id) {
      throw missing(id);
    }

    @Override
    public void remove(String id, Duration grace) {
      sandboxes.remove(id);
    }

    @Override
    public String snapshot(String id, String snapshotId) {
      throw missing(id);
    }

    @Override
    public boolean isSnapshotPresent(String imageReference) {
      return false;
    }

    @Override
    public void removeSnapshot(String imageReference) {
      // There are none.
    }

    @Override
    public PortAddress publicAddress(String id, int port) {
      return new PortAddress("127.0.0.1:" + port, "", Map.of());
    }

    @Override
    public PortAddress internalAddress(String id, int port) {
      return publicAddress(id, port);
    }

    @Override
    public String logs(String id, int tail, Optional<Duration> since, boolean timestamps) {
      return "";
    }

    @Override
    public SandboxStats stats(String id) {
      throw missing(id);
    }

    @Override
    public String describe(String id) {
      return "";
    }

    @Override
    public void updateLimits(String id, ResourceLimits limits) {
      throw missing(id);
    }

    @Override
    public Subscription subscribe(EventListener listener) {
      return () -> {};
    }

    @Override
    public int sweep() {
      return 0;
    }

    @Override
    public Optional<String> unhealthyReason() {
      return Optional.empty();
    }

    @Override
    public void close() {
      sandboxes.clear();
    }

    private static SandboxException missing(String id) {
      return new SandboxException(
          ErrorCode.SANDBOX_NOT_FOUND, "no sandbox \"" + id + "\" on stage");
    }
  }
}
