package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The Docker Engine API at its Unix socket, as far as the comparison needs it.
final class Engine {
  private final Path socket;

  private Engine(Path socket) {
    this.socket = socket;
  }

  /// The engine at `socket`, or empty when there is none.
  static Optional<Engine> find(Path socket) {
    return Files.exists(socket) ? Optional.of(new Engine(socket)) : Optional.empty();
  }

  /// Creates and starts a container that waits forever, with the engine's defaults.
  ///
  /// @return its id
  String createAndStart(String image) {
    var body = Map.of("Image", image, "Entrypoint", List.of("tail", "-f", "/dev/null"));
    var id = Json.parse(request("POST", "/containers/create", Json.write(body), 201)).text("Id");
    request("POST", "/containers/" + id + "/start", "", 204);
    return id;
  }

  /// Kills and removes a container.
  void remove(String id) {
    request("DELETE", "/containers/" + id + "?force=true&v=true", "", 204);
  }

  // HTTP/1.0, so that the answer is neither chunked nor kept open.
  private String request(String method, String path, String body, int expected) {
    var head =
        "%s %s HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            .formatted(method, path, body.getBytes(StandardCharsets.UTF_8).length);
    String answer;
    try (var channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(socket));
      var request = ByteBuffer.wrap((head + body).getBytes(StandardCharsets.UTF_8));
      while (request.hasRemaining()) {
        channel.write(request);
      }
      answer = readAll(channel);
    } catch (IOException e) {
      throw new UncheckedIOException(method + " " + path + " at " + socket + ": " + e, e);
    }
    if (!answer.startsWith(String.valueOf(expected), answer.indexOf(' ') + 1)) {
      throw new IllegalStateException(method + " " + path + " at " + socket + ": " + answer);
    }
    return answer.substring(answer.indexOf("\r\n\r\n") + 4);
  }

  private static String readAll(SocketChannel channel) throws IOException {
    var bytes = new ByteArrayOutputStream();
    var buffer = ByteBuffer.allocate(8192);
    while (channel.read(buffer) >= 0) {
      bytes.write(buffer.array(), 0, buffer.position());
      buffer.clear();
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
