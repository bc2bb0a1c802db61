package io.opensandbox.execd.file;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.http.RawClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class FileDownloadTest {
  private static final String DATE = "Mon, 15 Jun 2026 10:00:00 GMT";

  @TempDir private Path directory;
  private FileServer server;
  private Path file;

  @BeforeEach
  void start() throws IOException {
    server = new FileServer(directory);
    file = Files.writeString(directory.resolve("x.txt"), "0123456789");
    Files.setLastModifiedTime(file, FileTime.from(Instant.parse("2026-06-15T10:00:00.5Z")));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void sendsTheWholeFile() throws IOException {
    RawClient.Response response = server.get("/files/download", "path", file.toString());

    assertThat(response.status()).isEqualTo(200);
    assertThat(response.body()).isEqualTo("0123456789");
    assertThat(response.headers())
        .containsEntry("content-type", "application/octet-stream")
        .containsEntry("content-length", "10")
        .containsEntry("accept-ranges", "bytes")
        .containsEntry("last-modified", DATE)
        .containsEntry("content-disposition", "attachment; filename=\"x.txt\"");
  }

  @ParameterizedTest
  @CsvSource({
    "bytes=0-3, 0123, bytes 0-3/10",
    "bytes=8-, 89, bytes 8-9/10",
    "bytes=8-100, 89, bytes 8-9/10",
    "bytes=-3, 789, bytes 7-9/10",
    "bytes=-30, 0123456789, bytes 0-9/10",
    "'bytes=20-30, 1-1', 1, bytes 1-1/10",
    "'bytes=2-3,0-1', 23, bytes 2-3/10",
  })
  void sendsTheFirstSatisfiableRange(String range, String body, String contentRange)
      throws IOException {
    RawClient.Response response =
        server.getWith("Range: " + range, "/files/download", "path", file.toString());

    assertThat(response.status()).isEqualTo(206);
    assertThat(response.body()).isEqualTo(body);
    assertThat(response.header("content-range")).isEqualTo(contentRange);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bytes=10-",
        "bytes=-0",
        "bytes=foo",
        "bytes=5-2",
        "items=0-1",
        "bytes=",
        "bytes=1",
        "bytes=--1",
        "bytes=1-x"
      })
  void refusesOtherRangesWithJson(String range) throws IOException {
    RawClient.Response response =
        server.getWith("Range: " + range, "/files/download", "path", file.toString());

    assertThat(response.status()).isEqualTo(416);
    assertThat(response.header("content-range")).isEqualTo("bytes */10");
    assertThat(response.header("content-type")).isEqualTo("application/json; charset=utf-8");
    assertThat(response.body()).startsWith("{\"code\":\"UNKNOWN\",\"message\":\"");
  }

  @Test
  void sendsAnEmptyFileWhateverTheRange() throws IOException {
    Path empty = Files.createFile(directory.resolve("empty"));

    RawClient.Response response =
        server.getWith("Range: bytes=0-9", "/files/download", "path", empty.toString());

    assertThat(response.status()).isEqualTo(200);
    assertThat(response.header("content-length")).isEqualTo("0");
  }

  @Test
  void sendsKernelFilesThatSayTheyAreEmpty() throws IOException {
    RawClient.Response response = server.get("/files/download", "path", "/proc/self/status");

    assertThat(response.status()).isEqualTo(200);
    assertThat(response.body()).startsWith("Name:");
  }

  @Test
  void honoursConditions() throws IOException {
    assertThat(status("If-Modified-Since: " + DATE)).isEqualTo(304);
    assertThat(status("If-Modified-Since: Mon, 15 Jun 2026 09:59:59 GMT")).isEqualTo(200);
    assertThat(status("If-Modified-Since: yesterday")).isEqualTo(200);
    assertThat(status("Range: bytes=0-1\r\nIf-Range: " + DATE)).isEqualTo(206);
    assertThat(status("Range: bytes=0-1\r\nIf-Range: Mon, 15 Jun 2026 09:00:00 GMT"))
        .isEqualTo(200);
    assertThat(status("Range: bytes=0-1\r\nIf-Range: \"etag\"")).isEqualTo(200);
  }

  private int status(String headers) throws IOException {
    return server.getWith(headers, "/files/download", "path", file.toString()).status();
  }

  @Test
  void encodesNamesThatAreNotAscii() throws IOException {
    Path named = Files.createFile(directory.resolve("é x.txt"));

    assertThat(
            server.get("/files/download", "path", named.toString()).header("content-disposition"))
        .isEqualTo("attachment; filename=\"%C3%A9%20x.txt\"; filename*=UTF-8''%C3%A9%20x.txt");
  }

  @ParameterizedTest
  @CsvSource({
    "a\\nb\\nc\\n, 2, 1, b",
    "a\\nb\\nc\\n, , 2, a\\nb",
    "a\\nb\\nc, 2, , b\\nc",
    "a\\r\\nb\\r\\r\\n, 1, , a\\nb",
    "a\\n\\n\\nb, 1, , a\\n\\n\\nb",
    "a\\n, 1, , a",
    "a\\nb\\n, 9, , ''",
    "a\\rb\\n, 1, , a\\rb",
    "a\\n\\r, 1, , a\\n",
    "'', 1, , ''",
  })
  void sendsAWindowOfLines(String content, String offset, String limit, String expected)
      throws IOException {
    Files.writeString(file, unescape(content));
    String query =
        (offset == null ? "" : "&offset=" + offset) + (limit == null ? "" : "&limit=" + limit);

    RawClient.Response response = server.server().get("/files/download?path=" + file + query);

    assertThat(response.status()).isEqualTo(200);
    assertThat(response.header("content-type")).isEqualTo("text/plain; charset=utf-8");
    assertThat(response.body()).isEqualTo(unescape(expected));
  }

  private static String unescape(String text) {
    return text.replace("\\n", "\n").replace("\\r", "\r");
  }

  @Test
  void sendsLinesOfAnyLength() throws IOException {
    String line = "x".repeat(200_000);
    Files.writeString(file, "first\n" + line + "\r\nlast\n");

    assertThat(server.get("/files/download", "path", file.toString(), "offset", "2").body())
        .isEqualTo(line + "\nlast");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"offset=0", "limit=0", "offset=x", "limit=-1", "limit=99999999999999999999"})
  void refusesOtherWindows(String query) throws IOException {
    RawClient.Response response = server.server().get("/files/download?path=" + file + "&" + query);

    assertThat(response.status()).isEqualTo(400);
    assertThat(response.body())
        .contains("INVALID_REQUEST_BODY")
        .contains("invalid query parameter '");
  }

  @Test
  void refusesAWindowTogetherWithARange() throws IOException {
    RawClient.Response response =
        server.getWith(
            "Range: bytes=0-1", "/files/download", "path", file.toString(), "limit", "1");

    assertThat(response.status()).isEqualTo(400);
  }

  @Test
  void refusesDirectoriesMissingFilesAndMissingPaths() throws IOException {
    assertThat(server.get("/files/download", "path", directory.toString()).status()).isEqualTo(400);
    assertThat(server.get("/files/download", "path", directory + "/no").body())
        .contains("FILE_NOT_FOUND");
    assertThat(server.get("/files/download", "path", file + "/no").status()).isEqualTo(404);
    assertThat(server.get("/files/download").body()).contains("MISSING_QUERY");
    assertThat(server.get("/files/download", "path", "/a\0b").status()).isEqualTo(400);
  }
}
