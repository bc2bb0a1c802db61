package io.opensandbox.e2e.wire;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/// The execd API of one sandbox.
public final class Execd {
  private final Http http;

  /// A client of the execd at `http`'s base address.
  public Execd(Http http) {
    this.http = http;
  }

  /// Requests of any shape.
  public Http http() {
    return http;
  }

  /// Runs a shell command and returns when its stream ended.
  public Execution run(String command) {
    return run(Map.of("command", command), _ -> {});
  }

  /// Runs a command and tells each event as it comes.
  ///
  /// @param request body of `POST /command`
  public Execution run(Map<String, ?> request, Consumer<Json> onEvent) {
    return stream("/command", request, onEvent);
  }

  /// Reads the event stream of any route that has one.
  public Execution stream(String path, Map<String, ?> request, Consumer<Json> onEvent) {
    var response =
        http.open(
            "POST",
            path,
            BodyPublishers.ofString(Json.write(request)),
            "Content-Type",
            "application/json");
    var events = new ArrayList<Json>();
    try (var body = response.body()) {
      if (response.statusCode() != 200) {
        throw new UnexpectedReplyException(
            new Reply(
                "POST " + path, response.statusCode(), response.headers(), body.readAllBytes()),
            200);
      }
      var lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
      for (var line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.isEmpty()) {
          var event = Json.parse(line);
          events.add(event);
          onEvent.accept(event);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Execution(events);
  }

  /// Uploads one file with a mode such as 644.
  public Reply upload(String path, int mode, BodyPublisher content) {
    var boundary = "opensandbox-e2e-boundary";
    var head = metadataPart(boundary, path, mode) + filePart(boundary);
    var body =
        BodyPublishers.concat(
            BodyPublishers.ofString(head),
            content,
            BodyPublishers.ofString("\r\n--" + boundary + "--\r\n"));
    return http.sendBody("POST", "/files/upload", "multipart/form-data; boundary=" + boundary, body)
        .expect(200);
  }

  /// Writes a small text file.
  public void write(String path, String content) {
    upload(path, 644, BodyPublishers.ofString(content));
  }

  /// The bytes of a file.
  public byte[] read(String path) {
    return http.send("GET", "/files/download?" + pathQuery(path)).expect(200).body();
  }

  /// The query that names paths.
  public static String pathQuery(String... paths) {
    var query = new StringBuilder();
    for (var path : paths) {
      query
          .append(query.isEmpty() ? "" : "&")
          .append("path=")
          .append(URLEncoder.encode(path, StandardCharsets.UTF_8));
    }
    return query.toString();
  }

  /// Runs a command in the background.
  ///
  /// @return its id
  public String start(String command) {
    var request = new LinkedHashMap<String, Object>();
    request.put("command", command);
    request.put("background", true);
    return run(request, _ -> {}).id();
  }

  /// The lines that a command printed, when it ended well; throws otherwise.
  public List<String> linesOf(String command) {
    var execution = run(command);
    if (execution.exitCode() != 0) {
      throw new IllegalStateException(
          "\"" + command + "\" ended with " + execution.exitCode() + ": " + execution.events());
    }
    return execution.stdout();
  }

  private static String metadataPart(String boundary, String path, int mode) {
    return "--"
        + boundary
        + "\r\nContent-Disposition: form-data; name=\"metadata\"; filename=\"metadata\"\r\n"
        + "Content-Type: application/json\r\n\r\n"
        + Json.write(Map.of("path", path, "mode", mode))
        + "\r\n";
  }

  private static String filePart(String boundary) {
    return "--"
        + boundary
        + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n"
        + "Content-Type: application/octet-stream\r\n\r\n";
  }
}
