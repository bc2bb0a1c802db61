package io.opensandbox.execd.event;

import io.opensandbox.execd.json.JsonArray;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.json.JsonValue;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Talks to a server under test and reads its event streams.
public final class EventClient implements AutoCloseable {
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final String base;

  /// A client of the server on this port of the loopback interface.
  public EventClient(int port) {
    this.base = "http://127.0.0.1:" + port;
  }

  /// One event, pings left out; `text` is the text, or `ename evalue [traceback]` of an error.
  public record Event(String type, String text) {
    static Event parse(String line) {
      JsonObject object = JsonParser.parseObject(line.getBytes(StandardCharsets.UTF_8));
      String text =
          object
              .object("error")
              .map(error ->
                  error.stringOrEmpty("ename")
                      + " "
                      + error.stringOrEmpty("evalue")
                      + " "
                      + error.array("traceback").map(JsonArray::values).orElse(List.of()).stream()
                          .map(value -> ((JsonValue.Text) value).value())
                          .toList())
              .orElse(object.stringOrEmpty("text"));
      return new Event(object.stringOrEmpty("type"), text);
    }
  }

  /// All events of a stream but pings.
  public List<Event> stream(String path, String body, String... headers)
      throws IOException, InterruptedException {
    try (Stream stream = open("POST", path, body, headers)) {
      return stream.rest();
    }
  }

  /// A stream to be read event by event.
  public Stream open(String method, String path, String body, String... headers)
      throws IOException, InterruptedException {
    HttpResponse<InputStream> response =
        http.send(request(method, path, body, headers), HttpResponse.BodyHandlers.ofInputStream());
    if (response.statusCode() != 200) {
      throw new IOException(
          response.statusCode()
              + " "
              + new String(response.body().readAllBytes(), StandardCharsets.UTF_8));
    }
    return new Stream(response);
  }

  /// A plain request.
  public HttpResponse<String> send(String method, String path, String body, String... headers)
      throws IOException, InterruptedException {
    return http.send(request(method, path, body, headers), HttpResponse.BodyHandlers.ofString());
  }

  private HttpRequest request(String method, String path, String body, String... headers) {
    var builder =
        HttpRequest.newBuilder(URI.create(base + path))
            .method(method, HttpRequest.BodyPublishers.ofString(body));
    return headers.length == 0 ? builder.build() : builder.headers(headers).build();
  }

  @Override
  public void close() {
    http.shutdownNow();
  }

  /// The events of one response.
  public static final class Stream implements AutoCloseable {
    private final Map<String, List<String>> headers;
    private final BufferedReader lines;
    private int pings;

    private Stream(HttpResponse<InputStream> response) {
      this.headers = response.headers().map();
      this.lines =
          new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
    }

    /// The response's headers.
    public Map<String, List<String>> headers() {
      return headers;
    }

    /// How many pings came so far.
    public int pings() {
      return pings;
    }

    /// The next event that is no ping; an event of type `end` after the last.
    public Event next() throws IOException {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Event event = line.isEmpty() ? new Event("", "") : Event.parse(line);
        if (event.type().equals("ping")) {
          pings++;
        } else if (!line.isEmpty()) {
          return event;
        }
      }
      return new Event("end", "");
    }

    /// All events that are left.
    public List<Event> rest() throws IOException {
      List<Event> events = new ArrayList<>();
      for (Event event = next(); !event.type().equals("end"); event = next()) {
        events.add(event);
      }
      return events;
    }

    @Override
    public void close() throws IOException {
      lines.close();
    }
  }
}
