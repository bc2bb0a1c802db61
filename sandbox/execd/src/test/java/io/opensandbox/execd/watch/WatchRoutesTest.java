package io.opensandbox.execd.watch;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.http.RawClient;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TestServer;
import io.opensandbox.execd.path.PathExpansion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class WatchRoutesTest {
  @TempDir private Path directory;
  private final TestServer server = new TestServer(routes());

  private static Router routes() {
    Router router = new Router();
    Clock clock = Clock.fixed(Instant.ofEpochMilli(5), ZoneOffset.UTC);
    new WatchRoutes(new PathExpansion(Map::of), clock).register(router);
    return router;
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private RawClient watch(String query) throws IOException {
    RawClient client = server.connect();
    client.send("GET /watch?path=" + directory + query + " HTTP/1.1\r\nHost: x\r\n\r\n");
    assertThat(client.receiveHead().header("content-type")).isEqualTo("text/event-stream");
    assertThat(client.readChunk())
        .isEqualTo("{\"type\":\"ready\",\"path\":\"" + directory + "\",\"timestamp\":5}\n\n");
    return client;
  }

  /// Reads until this event has come.
  private static void await(RawClient client, String type, Path path) throws IOException {
    String event = "{\"type\":\"" + type + "\",\"path\":\"" + path + "\",\"timestamp\":5}\n\n";
    StringBuilder seen = new StringBuilder();
    while (seen.indexOf(event) < 0) {
      String chunk = client.readChunk();
      assertThat(chunk).as("events before the end, after " + seen).isNotEmpty();
      seen.append(chunk);
    }
  }

  @Test
  void tellsCreationChangeAndRemoval() throws IOException {
    Path file = directory.resolve("f");
    try (RawClient client = watch("")) {
      Files.createFile(file);
      await(client, "create", file);
      Files.writeString(file, "x");
      await(client, "modify", file);
      Files.delete(file);
      await(client, "delete", file);
    }
  }

  @Test
  void watchesDirectoriesThatAppear() throws IOException {
    Files.createDirectory(directory.resolve("old"));
    try (RawClient client = watch("&recursive=true")) {
      Path file = Files.createDirectories(directory.resolve("old/new/deep")).resolve("f");
      Files.createFile(file);

      await(client, "create", file);
    }
  }

  @Test
  void endsWithTheDirectory() throws IOException {
    try (RawClient client = watch("")) {
      Files.delete(directory);

      await(client, "delete", directory);
      assertThat(client.readChunk()).isEmpty();
    }
  }

  @Test
  void saysPingWhenNothingHappens() throws IOException {
    try (RawClient client = watch("")) {
      assertThat(client.readChunk()).isEqualTo("{\"type\":\"ping\",\"timestamp\":5}\n\n");
    }
  }

  @Test
  void refusesWhatCannotBeWatched() throws IOException {
    Path file = Files.createFile(directory.resolve("f"));

    assertThat(server.get("/watch").body()).contains("MISSING_QUERY");
    assertThat(server.get("/watch?path=" + file).status()).isEqualTo(400);
    assertThat(server.get("/watch?path=" + directory + "/no").status()).isEqualTo(404);
    assertThat(server.get("/watch?path=" + directory + "&recursive=maybe").status()).isEqualTo(400);
  }
}
