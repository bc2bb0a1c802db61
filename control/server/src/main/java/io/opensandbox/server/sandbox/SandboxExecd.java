package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.PortAddress;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.http.ChunkDecoder;
import io.opensandbox.server.json.Json;
import io.opensandbox.server.json.JsonParser;
import io.opensandbox.server.json.JsonSyntaxException;
import io.opensandbox.server.json.JsonText;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/// The few things that the server itself asks of the daemon in a sandbox, each on a connection of
/// its own. The daemon is asked not to record any of it: a client finds only what is its own.
final class SandboxExecd {
  private static final int PORT = 44772;
  private static final int MAX_ANSWER_BYTES = 256 * 1024;
  private static final Duration WARM_UP = Duration.ofSeconds(30);
  private static final Duration WARM_UP_TIME = Duration.ofSeconds(1);
  private static final Duration PUBLIC_LIMIT = Duration.ofSeconds(1);
  private static final int WARM_UP_RUNS = 20;
  private static final int MAX_IMAGES = 10_000;

  private static final Command NOTHING = new Command("true", Map.of(), false);
  // Succeeds where a client's environment can be kept.
  private static final Command OPEN_ENV_FILE =
      new Command(": >> \"${EXECD_ENVS:?}\"", Map.of(), false);

  private static final String UNRECORDED = "X-EXECD-UNRECORDED: 1\r\n";

  private final SandboxRuntime runtime;
  // Images without a shell, which run no commands.
  private final Set<String> commandless = ConcurrentHashMap.newKeySet();
  // Whether the user of an image may write the env file; looked at once per start of the server.
  private final Map<String, Boolean> keepsEnvironment = new ConcurrentHashMap<>();

  SandboxExecd(SandboxRuntime runtime) {
    this.runtime = runtime;
  }

  /// Whether the daemon answers within `limit`.
  ///
  /// @param token that it wants to see
  boolean answers(String id, Optional<String> token, Duration limit) {
    try {
      return answers(runtime.internalAddress(id, PORT), token, limit);
    } catch (SandboxException _) { // there is no way to it
      return false;
    }
  }

  private static boolean answers(PortAddress address, Optional<String> token, Duration limit) {
    try {
      return isOk(ask(address, token, "GET", "/ping", "", limit));
    } catch (IOException _) { // it does not, whatever the reason
      return false;
    }
  }

  /// Waits until the daemon answers and lets it do what clients will ask for first, the way they
  /// come, so often that its code is compiled, so that they find it quick. Gives up quietly: a
  /// sandbox whose daemon is slow is still a sandbox.
  ///
  /// @param image of which is remembered whether it runs commands and keeps an environment
  void warmUp(String id, String image, Optional<String> token) {
    try {
      PortAddress address = clientsPath(id);
      long end = System.nanoTime() + WARM_UP_TIME.toNanos();
      for (int i = 0; i < WARM_UP_RUNS && answers(address, token, WARM_UP); i++) {
        run(address, token, NOTHING, WARM_UP);
        if (System.nanoTime() - end > 0) {
          break;
        }
      }
      // Once: members that ran it are claimed more slowly.
      if (!keepsEnvironment.containsKey(image) && keepsEnvironment.size() < MAX_IMAGES) {
        keepsEnvironment.put(image, succeeds(address, token, OPEN_ENV_FILE, WARM_UP));
      }
      // What is between a client and the sandbox has its first connection behind it then. The
      // address need not be one that this host reaches.
      boolean _ = answers(runtime.publicAddress(id, PORT), token, PUBLIC_LIMIT);
      commandless.remove(image);
    } catch (IOException | SandboxException _) {
      if (answers(id, token, WARM_UP) && commandless.size() < MAX_IMAGES) {
        commandless.add(image);
      }
    }
  }

  // Straight to the daemon, by the path on which clients come.
  private PortAddress clientsPath(String id) {
    PortAddress internal = runtime.internalAddress(id, PORT);
    return internal.path().isEmpty()
        ? new PortAddress(
            internal.authority(), runtime.publicAddress(id, PORT).path(), internal.headers())
        : internal;
  }

  /// Whether sandboxes of an image run commands, as far as is known.
  boolean runsCommands(String image) {
    return !commandless.contains(image);
  }

  /// Whether the env file of an image's sandboxes can be written, as far as is known.
  boolean keepsEnvironment(String image) {
    return runsCommands(image) && keepsEnvironment.getOrDefault(image, true);
  }

  /// A line of shell.
  ///
  /// @param background whether it goes on by itself
  record Command(String line, Map<String, String> env, boolean background) {}

  /// Runs a command and returns when it has ended, or when it was started.
  void run(String id, Optional<String> token, Command command, Duration limit) throws IOException {
    run(runtime.internalAddress(id, PORT), token, command, limit);
  }

  private static void run(
      PortAddress address, Optional<String> token, Command command, Duration limit)
      throws IOException {
    if (!succeeds(address, token, command, limit)) {
      throw new IOException("the command could not be run by execd at " + address.authority());
    }
  }

  private static boolean succeeds(
      PortAddress address, Optional<String> token, Command command, Duration limit)
      throws IOException {
    Map<String, Json> envs = new LinkedHashMap<>();
    command.env().forEach((name, value) -> envs.put(name, new Json.Str(value)));
    Map<String, Json> body = new LinkedHashMap<>();
    body.put("command", new Json.Str(command.line()));
    body.put("background", new Json.Bool(command.background()));
    body.put("envs", new Json.Obj(envs));
    String text = JsonText.of(new Json.Obj(body));
    String answer = ask(address, token, "POST", "/command", text, limit);
    return isOk(answer) && isComplete(answer);
  }

  private static boolean isOk(String answer) {
    return answer.startsWith("HTTP/1.1 200 ") || answer.startsWith("HTTP/1.0 200 ");
  }

  // The stream's events are JSON objects, one a line.
  private static boolean isComplete(String answer) {
    boolean complete = false;
    for (String line : answer.lines().toList()) {
      int start = line.indexOf('{');
      if (start >= 0 && event(line.substring(start)) instanceof Json.Obj event) {
        Json type = event.member("type");
        if (type instanceof Json.Str text && text.value().equals("error")) {
          return false;
        }
        complete |= type instanceof Json.Str text && text.value().equals("execution_complete");
      }
    }
    return complete;
  }

  private static Json event(String text) {
    try {
      return JsonParser.parse(text);
    } catch (JsonSyntaxException _) { // a line that is no event
      return new Json.Null();
    }
  }

  // The way clients ask, so that the daemon answers them by code that it has run before.
  private static String ask(
      PortAddress address,
      Optional<String> token,
      String method,
      String path,
      String body,
      Duration limit)
      throws IOException {
    byte[] content = body.getBytes(StandardCharsets.UTF_8);
    var head = new StringBuilder();
    head.append(method).append(' ').append(address.path()).append(path).append(" HTTP/1.1\r\n");
    head.append("Host: ").append(address.authority()).append("\r\n");
    head.append("Connection: close\r\n");
    head.append(UNRECORDED);
    address
        .headers()
        .forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
    token.ifPresent(value -> head.append("X-EXECD-ACCESS-TOKEN: ").append(value).append("\r\n"));
    if (content.length > 0) {
      head.append("Content-Type: application/json\r\n");
      head.append("Content-Length: ").append(content.length).append("\r\n");
    }
    head.append("\r\n");
    return exchange(socketAddress(address), List.of(bytes(head.toString()), content), limit);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static InetSocketAddress socketAddress(PortAddress address) {
    String authority = address.authority();
    int colon = authority.lastIndexOf(':');
    return new InetSocketAddress(
        authority.substring(0, colon), Integer.parseInt(authority.substring(colon + 1)));
  }

  // Whoever is in the sandbox may be in the daemon's place: neither a request that nobody reads nor
  // an answer that comes byte by byte takes longer than the limit.
  private static String exchange(InetSocketAddress address, List<byte[]> request, Duration limit)
      throws IOException {
    var all = new byte[request.stream().mapToInt(part -> part.length).sum()];
    int at = 0;
    for (byte[] part : request) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    try (Socket socket = new Socket()) {
      Future<?> end =
          ForkJoinPool.commonPool()
              .schedule(() -> abandon(socket), limit.toNanos(), TimeUnit.NANOSECONDS);
      try {
        socket.setTcpNoDelay(true);
        socket.connect(address);
        socket.getOutputStream().write(all);
        return answer(socket.getInputStream().readNBytes(MAX_ANSWER_BYTES));
      } catch (SocketException e) {
        if (socket.isClosed()) { // by the deadline: nobody else does
          var late = new SocketTimeoutException("no whole answer within " + limit);
          late.initCause(e);
          throw late;
        }
        throw e;
      } finally {
        end.cancel(false);
      }
    }
  }

  private static void abandon(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // The head and the body, without chunks.
  private static String answer(byte[] bytes) throws ProtocolException {
    String all = new String(bytes, StandardCharsets.ISO_8859_1);
    int end = all.indexOf("\r\n\r\n");
    if (end < 0) {
      return all;
    }
    int start = end + 4;
    String head = all.substring(0, start);
    ByteBuffer body = ByteBuffer.wrap(bytes, start, bytes.length - start);
    if (head.toLowerCase(Locale.ROOT).contains("\r\ntransfer-encoding: chunked\r\n")) {
      new ChunkDecoder().decode(body);
    }
    return head + StandardCharsets.UTF_8.decode(body);
  }
}
