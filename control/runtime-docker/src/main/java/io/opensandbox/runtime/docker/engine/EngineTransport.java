package io.opensandbox.runtime.docker.engine;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// HTTP/1.1 to the engine with kept-alive connections.
///
/// Made because docker-java's commands and transports have no timeout on Unix sockets, hold a
/// platform thread per stream, and cost 0.9 s at the server's start and 0.6 ms per call (measured
/// against 0.2 ms). Every exchange has a deadline for silence: when no byte moved for that long the
/// connection is closed and the call fails with [InterruptedIOException]. Reading parks a virtual
/// thread and pins nothing.
final class EngineTransport implements AutoCloseable {
  private static final Set<String> SAFE_TO_REPEAT = Set.of("GET", "HEAD", "DELETE");
  private static final int MAX_IDLE = 64;
  private static final int MAX_LINE_BYTES = 64 * 1024;
  private static final int MAX_HEADERS = 200;

  private final EngineAddress address;
  private final Duration silence;
  private final EngineWatch watch;
  private final ConcurrentLinkedDeque<EngineConnection> idle = new ConcurrentLinkedDeque<>();
  private final AtomicInteger idleCount = new AtomicInteger();
  private final ScheduledThreadPoolExecutor deadlines;
  private volatile boolean closed;

  /// @param silence how long the engine may say nothing within one exchange
  /// @param watch is told of every exchange
  EngineTransport(EngineAddress address, Duration silence, EngineWatch watch) {
    this.address = address;
    this.silence = silence;
    this.watch = watch;
    this.deadlines =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("docker-deadlines").factory());
    this.deadlines.setRemoveOnCancelPolicy(true);
  }

  /// Sends a request and reads the head of the answer.
  EngineResponse exchange(EngineRequest request) throws IOException {
    return exchange(request, silence);
  }

  /// The same with another limit for silence; zero for none.
  EngineResponse exchange(EngineRequest request, Duration silence) throws IOException {
    String path = request.path();
    int query = path.indexOf('?');
    try (EngineWatch.Call call =
        watch.begin(request.method(), query < 0 ? path : path.substring(0, query))) {
      try {
        EngineResponse response = send(request, silence);
        call.answered(response.status());
        return response;
      } catch (IOException | RuntimeException e) {
        call.failed(e);
        throw e;
      }
    }
  }

  private EngineResponse send(EngineRequest request, Duration silence) throws IOException {
    if (closed) {
      throw new IOException("the connection to the engine is closed");
    }
    EngineConnection kept = takeKept();
    if (kept != null) {
      try {
        return exchange(kept, request, silence);
      } catch (InterruptedIOException | ProtocolException e) {
        throw e;
      } catch (IOException e) {
        // The engine may close an idle connection at the moment it is used again.
        if (!SAFE_TO_REPEAT.contains(request.method())) {
          throw e;
        }
      }
    }
    return exchange(EngineConnection.open(address), request, silence);
  }

  private EngineResponse exchange(
      EngineConnection connection, EngineRequest request, Duration silence) throws IOException {
    Watch watch = new Watch(connection, silence);
    try {
      send(request, connection.out(), watch);
      return receive(request, connection, watch);
    } catch (IOException e) {
      watch.stop();
      connection.close();
      throw watch.explain(e);
    } catch (RuntimeException e) {
      watch.stop();
      connection.close();
      throw e;
    }
  }

  private @Nullable EngineConnection takeKept() {
    for (EngineConnection kept = idle.pollLast(); kept != null; kept = idle.pollLast()) {
      idleCount.decrementAndGet();
      if (kept.isReusable()) {
        return kept;
      }
      kept.close();
    }
    return null;
  }

  private void keep(EngineConnection connection) {
    if (closed || idleCount.incrementAndGet() > MAX_IDLE) {
      idleCount.decrementAndGet();
      connection.close();
      return;
    }
    idle.addLast(connection);
  }

  private static void send(EngineRequest request, OutputStream out, Watch watch)
      throws IOException {
    StringBuilder head = new StringBuilder(256);
    head.append(request.method()).append(' ').append(request.path()).append(" HTTP/1.1\r\n");
    head.append("Host: docker\r\n");
    for (Map.Entry<String, String> header : request.headers().entrySet()) {
      head.append(header.getKey()).append(": ").append(header.getValue()).append("\r\n");
    }
    String json = request.json();
    byte[] bytes = json == null ? null : json.getBytes(StandardCharsets.UTF_8);
    InputStream stream = request.stream();
    if (bytes != null) {
      head.append("Content-Length: ").append(bytes.length).append("\r\n");
    } else if (stream != null) {
      head.append("Transfer-Encoding: chunked\r\n");
    } else if (!request.method().equals("GET") && !request.method().equals("HEAD")) {
      head.append("Content-Length: 0\r\n");
    }
    head.append("\r\n");
    byte[] start = head.toString().getBytes(StandardCharsets.UTF_8);
    if (bytes == null) {
      out.write(start);
    } else {
      byte[] whole = new byte[start.length + bytes.length];
      System.arraycopy(start, 0, whole, 0, start.length);
      System.arraycopy(bytes, 0, whole, start.length, bytes.length);
      out.write(whole);
    }
    if (stream != null) {
      sendChunks(stream, out, watch);
    }
    watch.touch();
  }

  private static void sendChunks(InputStream body, OutputStream out, Watch watch)
      throws IOException {
    byte[] buffer = new byte[64 * 1024];
    int count;
    while ((count = body.read(buffer)) >= 0) {
      if (count > 0) {
        out.write((Integer.toHexString(count) + "\r\n").getBytes(StandardCharsets.US_ASCII));
        out.write(buffer, 0, count);
        out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
        watch.touch();
      }
    }
    out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
  }

  private EngineResponse receive(EngineRequest request, EngineConnection connection, Watch watch)
      throws IOException {
    InputStream in = connection.in();
    int status;
    Map<String, List<String>> headers;
    do {
      status = status(line(in));
      headers = headers(in);
    } while (status >= 100 && status < 200);
    watch.touch();
    boolean none = request.method().equals("HEAD") || status == 204 || status == 304;
    boolean keepAlive = !"close".equalsIgnoreCase(first(headers, "Connection"));
    String length = first(headers, "Content-Length");
    BodyStream body;
    if (none) {
      body = BodyStream.fixed(in, 0);
    } else if ("chunked".equalsIgnoreCase(first(headers, "Transfer-Encoding"))) {
      body = BodyStream.chunked(in);
    } else if (length != null) {
      body = BodyStream.fixed(in, Long.parseLong(length.strip()));
    } else {
      body = BodyStream.untilEnd(in);
      keepAlive = false;
    }
    return new Exchange(
        status, headers, new Watched(body, watch), body, connection, keepAlive, watch);
  }

  private static int status(String line) throws IOException {
    String[] parts = line.split(" ", 3);
    if (parts.length < 2 || !parts[0].startsWith("HTTP/1.") || parts[1].length() != 3) {
      throw notHttp(line);
    }
    try {
      return Integer.parseInt(parts[1]);
    } catch (NumberFormatException _) {
      throw notHttp(line);
    }
  }

  private static ProtocolException notHttp(String line) {
    return new ProtocolException("the engine did not answer with HTTP: \"" + line + "\"");
  }

  private static Map<String, List<String>> headers(InputStream in) throws IOException {
    Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    int count = 0;
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      count++;
      if (count > MAX_HEADERS) {
        throw new ProtocolException("the engine sent more than " + MAX_HEADERS + " headers");
      }
      int colon = line.indexOf(':');
      if (colon <= 0) {
        throw new ProtocolException("the engine sent a malformed header");
      }
      headers
          .computeIfAbsent(line.substring(0, colon).strip(), _ -> new ArrayList<>())
          .add(line.substring(colon + 1).strip());
    }
    return headers;
  }

  /// Reads one line without its end.
  static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder(64);
    int next;
    while ((next = in.read()) != '\n') {
      if (next < 0) {
        throw new IOException("the engine closed the connection");
      }
      if (line.length() >= MAX_LINE_BYTES) {
        throw new ProtocolException("the engine sent a line over " + MAX_LINE_BYTES + " bytes");
      }
      if (next != '\r') {
        line.append((char) next);
      }
    }
    return line.toString();
  }

  private static @Nullable String first(Map<String, List<String>> headers, String name) {
    List<String> values = headers.get(name);
    return values == null ? null : values.getFirst();
  }

  @Override
  public void close() {
    closed = true;
    deadlines.shutdownNow();
    EngineConnection kept;
    while ((kept = idle.pollLast()) != null) {
      kept.close();
    }
  }

  /// Closes the connection when nothing moved on it for too long.
  private final class Watch {
    private final EngineConnection connection;
    private final long limitNanos;
    private final @Nullable ScheduledFuture<?> check;
    private volatile long last = System.nanoTime();
    private volatile boolean fired;

    Watch(EngineConnection connection, Duration limit) {
      this.connection = connection;
      this.limitNanos = limit.toNanos();
      // Four looks per limit find silence at most a quarter late.
      long period = Math.max(limitNanos / 4, TimeUnit.MILLISECONDS.toNanos(10));
      this.check =
          limitNanos == 0
              ? null
              : deadlines.scheduleAtFixedRate(this::look, period, period, TimeUnit.NANOSECONDS);
    }

    private void look() {
      if (System.nanoTime() - last > limitNanos) {
        fired = true;
        connection.close();
        stop();
      }
    }

    void touch() {
      last = System.nanoTime();
    }

    void stop() {
      if (check != null) {
        check.cancel(false);
      }
    }

    IOException explain(IOException cause) {
      if (!fired) {
        return cause;
      }
      InterruptedIOException timeout =
          new InterruptedIOException(
              "timed out after " + TimeUnit.NANOSECONDS.toSeconds(limitNanos) + " s");
      timeout.initCause(cause);
      return timeout;
    }
  }

  /// Tells the watch of every read and explains a read that the watch ended.
  private static final class Watched extends InputStream {
    private final InputStream body;
    private final Watch watch;

    Watched(InputStream body, Watch watch) {
      this.body = body;
      this.watch = watch;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      try {
        int count = body.read(target, offset, length);
        watch.touch();
        return count;
      } catch (IOException e) {
        throw watch.explain(e);
      }
    }

    @Override
    public int available() throws IOException {
      return body.available();
    }
  }

  /// An answer; closing it gives the connection back or ends it.
  private final class Exchange implements EngineResponse {
    private final int status;
    private final Map<String, List<String>> headers;
    private final InputStream body;
    private final BodyStream bytes;
    private final EngineConnection connection;
    private final boolean keepAlive;
    private final Watch watch;
    private boolean done;

    Exchange(
        int status,
        Map<String, List<String>> headers,
        InputStream body,
        BodyStream bytes,
        EngineConnection connection,
        boolean keepAlive,
        Watch watch) {
      this.status = status;
      this.headers = headers;
      this.body = body;
      this.bytes = bytes;
      this.connection = connection;
      this.keepAlive = keepAlive;
      this.watch = watch;
    }

    @Override
    public int status() {
      return status;
    }

    @Override
    public Map<String, List<String>> headers() {
      return headers;
    }

    @Override
    public InputStream body() {
      return body;
    }

    @Override
    public synchronized void close() {
      if (done) {
        return;
      }
      done = true;
      boolean reusable = keepAlive && bytes.finishQuickly();
      watch.stop();
      if (reusable) {
        keep(connection);
      } else {
        connection.close();
      }
    }
  }
}
