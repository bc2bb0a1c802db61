package io.opensandbox.execd.kernel;

import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.json.JsonValue;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Starts kernels through a Jupyter server (its REST API, `/api/kernelspecs` and `/api/sessions`),
/// as the published code-interpreter image runs one.
///
/// The server, or its kernels, may still be on the way up when the first request comes: what is
/// missing is asked for again, with growing pauses. Both limits end before the 30 s after which the
/// SDKs give up, so that these tell the reason.
public final class JupyterServer implements KernelSource, AutoCloseable {
  static final Duration START_LIMIT = Duration.ofSeconds(45);

  private static final Duration SERVER_LIMIT = Duration.ofSeconds(25);
  private static final Duration KERNEL_LIMIT = Duration.ofSeconds(10);

  private static final Duration REQUEST_LIMIT = Duration.ofSeconds(30);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

  private final String base;
  private final String token;
  private final Clock clock;
  private final Duration serverLimit;
  private final Duration kernelLimit;
  private final CountDownLatch closed = new CountDownLatch(1);

  // Guarded by this; made at the first use, because most sandboxes never need it.
  private @Nullable HttpClient client;

  /// A server that is used on demand; nothing is contacted here.
  ///
  /// @param base `http://host:port`, with or without a trailing slash
  /// @param token sent as `Authorization: Token`, and to no other host
  public JupyterServer(String base, String token, Clock clock) {
    this(base, token, clock, SERVER_LIMIT, KERNEL_LIMIT);
  }

  /// @param serverLimit how long the server and the kernel together are waited for
  /// @param kernelLimit how long a server is asked again that answers but does not have the kernel
  JupyterServer(
      String base, String token, Clock clock, Duration serverLimit, Duration kernelLimit) {
    this.serverLimit = serverLimit;
    this.kernelLimit = kernelLimit;
    this.base = base.endsWith("/") ? base.substring(0, base.length() - 1) : base;
    this.token = token;
    this.clock = clock;
  }

  /// Ends the waiting of whoever still waits for a kernel.
  @Override
  public void close() {
    closed.countDown();
  }

  @Override
  public Kernel open(String language, @Nullable Path directory) throws IOException {
    String kernelName = awaitKernelName(language);
    JsonObject session = createSession(kernelName, directory);
    String sessionId = session.stringOrEmpty("id");
    String kernelId = session.object("kernel").orElse(JsonObject.EMPTY).stringOrEmpty("id");
    try {
      JupyterConnection connection =
          JupyterConnection.open(client(), this, channelsUri(kernelId), sessionId, kernelId);
      return Kernel.open(connection, new Requests(clock), START_LIMIT);
    } catch (IOException | RuntimeException e) {
      deleteSession(sessionId);
      throw e;
    }
  }

  /// Deletes a session and its kernel; one that is gone is no error.
  ///
  /// A server that is just starting the kernel again, because it died, cannot delete it: then this
  /// returns, and it is tried again in the background until it is gone.
  void deleteSession(String id) throws IOException {
    if (tryDelete(id)) {
      return;
    }
    Thread.ofVirtual()
        .name("jupyter-delete")
        .start(() -> {
          try {
            deleteStubbornly(id);
          } catch (IOException _) {
            // The server is gone, and its kernels with it, or it never lets go of this one.
          }
        });
  }

  private void deleteStubbornly(String id) throws IOException {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    Duration wait = FIRST_PAUSE;
    do {
      pause(wait, new IOException("the Jupyter server did not delete session " + id));
      wait = longer(wait);
    } while (!tryDelete(id) && System.nanoTime() < deadline);
  }

  private boolean tryDelete(String id) throws IOException {
    int status = call("DELETE", "/api/sessions/" + id, null).status;
    if (status / 100 == 4 && status != 404) {
      throw new IOException("the Jupyter server refused to delete a session: HTTP " + status);
    }
    return status / 100 != 5;
  }

  /// Interrupts a kernel.
  void interrupt(String kernelId) throws IOException {
    Answer answer = call("POST", "/api/kernels/" + kernelId + "/interrupt", new byte[0]);
    if (answer.status / 100 != 2) {
      throw new IOException("the Jupyter server refused the interrupt: HTTP " + answer.status);
    }
  }

  private URI channelsUri(String kernelId) {
    return URI.create(
        "ws"
            + base.substring("http".length())
            + "/api/kernels/"
            + kernelId
            + "/channels?token="
            + token);
  }

  private String awaitKernelName(String language) throws IOException {
    long deadline = System.nanoTime() + serverLimit.toNanos();
    boolean hasAnswered = false;
    Duration wait = FIRST_PAUSE;
    while (true) {
      IOException problem;
      try {
        Optional<String> name = findKernelName(language);
        if (name.isPresent()) {
          return name.get();
        }
        problem =
            new NoKernelException(
                "the Jupyter server has no kernel for language \"" + language + "\"");
        if (!hasAnswered) {
          hasAnswered = true;
          deadline = Math.min(deadline, System.nanoTime() + kernelLimit.toNanos());
        }
      } catch (ConnectException e) {
        problem = new IOException("the Jupyter server at " + base + " does not answer", e);
      }
      if (System.nanoTime() + wait.toNanos() > deadline) {
        throw problem;
      }
      pause(wait, problem);
      wait = longer(wait);
    }
  }

  private static Duration longer(Duration pause) {
    Duration next = pause.multipliedBy(3).dividedBy(2);
    return next.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : next;
  }

  private Optional<String> findKernelName(String language) throws IOException {
    Answer answer = call("GET", "/api/kernelspecs", null);
    if (answer.status != 200) {
      throw new IOException(
          "the Jupyter server refused to list its kernels: HTTP " + answer.status);
    }
    String fallback = null;
    for (var entry :
        answer.object().object("kernelspecs").orElse(JsonObject.EMPTY).members().entrySet()) {
      if (entry.getValue() instanceof JsonObject member
          && member
              .object("spec")
              .orElse(JsonObject.EMPTY)
              .stringOrEmpty("language")
              .equals(language)) {
        if (!entry.getKey().equals("python3")) {
          return Optional.of(entry.getKey());
        }
        fallback = entry.getKey();
      }
    }
    return Optional.ofNullable(fallback);
  }

  private JsonObject createSession(String kernelName, @Nullable Path directory) throws IOException {
    String name = UUID.randomUUID().toString().replace("-", "");
    // The server starts the kernel in the folder of this path below its root.
    Path folder = directory == null ? Path.of("") : directory;
    String path = folder.toAbsolutePath().resolve(name + ".ipynb").toString();
    byte[] body =
        new JsonWriter()
            .beginObject()
            .field("path", path)
            .field("name", name)
            .field("type", "notebook")
            .name("kernel")
            .beginObject()
            .field("name", kernelName)
            .endObject()
            .endObject()
            .toBytes();
    Answer answer = call("POST", "/api/sessions", body);
    if (answer.status / 100 != 2) {
      throw new IOException("the Jupyter server refused to start a kernel: HTTP " + answer.status);
    }
    return answer.object();
  }

  private Answer call(String method, String path, byte @Nullable [] body) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(base + path))
            .timeout(REQUEST_LIMIT)
            .method(
                method,
                body == null
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofByteArray(body));
    if (!token.isEmpty()) {
      request.header("Authorization", "Token " + token);
    }
    if (body != null) {
      request.header("Content-Type", "application/json");
    }
    try {
      HttpResponse<byte[]> response =
          client().send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
      return new Answer(response.statusCode(), response.body());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for the Jupyter server", e);
    }
  }

  private void pause(Duration time, IOException problem) throws IOException {
    try {
      if (closed.await(time.toMillis(), TimeUnit.MILLISECONDS)) {
        throw problem;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for the Jupyter server", e);
    }
  }

  private synchronized HttpClient client() {
    HttpClient existing = client;
    if (existing == null) {
      existing =
          HttpClient.newBuilder()
              // A listener waits while its client does not read; that may hold up no other kernel.
              .executor(task -> Thread.ofVirtual().name("jupyter").start(task))
              .version(HttpClient.Version.HTTP_1_1)
              .followRedirects(HttpClient.Redirect.NEVER)
              .connectTimeout(Duration.ofSeconds(5))
              .build();
      client = existing;
    }
    return existing;
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Answer(int status, byte[] body) {
    JsonObject object() throws IOException {
      try {
        return switch (JsonParser.parse(body)) {
          case JsonObject object -> object;
          case JsonValue other -> throw new IOException("the Jupyter server sent " + other.kind());
        };
      } catch (ExecdException e) {
        throw new IOException("the Jupyter server sent something that is not JSON", e);
      }
    }
  }
}
