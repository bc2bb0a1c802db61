package io.opensandbox.execd.file;

import static io.opensandbox.execd.file.FileServer.end;
import static io.opensandbox.execd.file.FileServer.metadata;
import static io.opensandbox.execd.file.FileServer.part;
import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.http.RawClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(180)
class FileUploadTest {
  @TempDir private Path directory;
  private FileServer server;

  @BeforeEach
  void start() {
    server = new FileServer(directory);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void writesAFileAndItsParents() throws IOException {
    Path file = directory.resolve("a/b/c.txt");

    RawClient.Response response =
        server.upload(metadata(file) + part("file", "héllo\r\n--x\n") + end());

    assertThat(response.status()).isEqualTo(200);
    assertThat(response.header("content-length")).isEqualTo("0");
    assertThat(file).hasContent("héllo\r\n--x\n");
    assertOnly("a");
  }

  @Test
  void pairsByOrderWithinEachName() throws IOException {
    Path one = directory.resolve("one");
    Path two = directory.resolve("two");
    String twoFirst = part("file", "1") + metadata(one) + metadata(two) + part("file", "2") + end();

    assertThat(server.upload(twoFirst).status()).isEqualTo(200);

    assertThat(one).hasContent("1");
    assertThat(two).hasContent("2");
    assertOnly("one", "two");
  }

  @Test
  void acceptsUnquotedAndExtendedParametersInAChunkedBody() throws IOException {
    Path file = directory.resolve("x");
    String form =
        """
        preamble
        --b1
        Content-Disposition: form-data; name=metadata; filename=metadata

        {"PATH":"FILE"}
        --b1\s
        content-disposition: form-data; name=file; filename=x; filename*=utf-8''x%20y

        data
        --b1--epilogue\
        """
            .replace("FILE", file.toString())
            .replace("\n", "\r\n");
    try (RawClient client = server.server().connect()) {
      client.send("POST /files/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n");
      client.send("Content-Type: multipart/form-data; boundary=\"b1\"\r\n\r\n");
      for (int i = 0; i < form.length(); i++) {
        client.send("1\r\n" + form.charAt(i) + "\r\n");
      }
      assertThat(client.send("0\r\n\r\n").receive().status()).isEqualTo(200);
    }

    assertThat(file).hasContent("data");
  }

  static Stream<Arguments> badForms() {
    Path path = Path.of("/nowhere/x");
    return Stream.of(
        Arguments.of("", "INVALID_FILE"),
        Arguments.of("no boundary at all", "INVALID_FILE"),
        Arguments.of(end(), "INVALID_FILE_METADATA"),
        Arguments.of(part("file", "x") + end(), "INVALID_FILE_METADATA"),
        Arguments.of(metadata(path) + end(), "INVALID_FILE_CONTENT"),
        Arguments.of(part("metadata", "{") + part("file", "x") + end(), "INVALID_FILE_METADATA"),
        Arguments.of(part("metadata", "{}") + part("file", "x") + end(), "INVALID_FILE_METADATA"),
        Arguments.of(part("metadata", "[]") + part("file", "x") + end(), "INVALID_FILE_METADATA"),
        Arguments.of(
            part("metadata", "{\"path\":\"/x\",\"mode\":888}") + part("file", "x") + end(),
            "INVALID_FILE_METADATA"),
        Arguments.of(
            "--"
                + FileServer.BOUNDARY
                + "\r\nContent-Disposition: form-data; name=metadata\r\n\r\n{\"path\":\"/x\"}\r\n"
                + part("file", "x")
                + end(),
            "INVALID_FILE_METADATA"));
  }

  @ParameterizedTest
  @MethodSource("badForms")
  void refusesBadForms(String form, String code) throws IOException {
    RawClient.Response response = server.upload(form);

    assertThat(response.status()).isEqualTo(400);
    assertThat(response.body()).contains("\"code\":\"" + code + "\"");
    assertOnly();
  }

  @Test
  void refusesWhatIsNotAForm() throws IOException {
    RawClient.Response response = server.upload("application/json", "{}");

    assertThat(response.status()).isEqualTo(400);
    assertThat(response.body()).contains("\"INVALID_FILE\"").contains("multipart form is empty");
  }

  @Test
  void writesNothingWhenCountsDiffer() throws IOException {
    Path file = directory.resolve("x");

    RawClient.Response response =
        server.upload(metadata(file) + part("file", "1") + part("file", "2") + end());

    assertThat(response.body()).contains("\"INVALID_FILE\"").contains("1 and 2");
    assertOnly();
  }

  @Test
  void writesNothingWhenTheFormIsTruncated() throws IOException {
    Path file = Files.writeString(directory.resolve("x"), "old");

    RawClient.Response response =
        server.upload(metadata(file) + part("file", "new").stripTrailing());

    assertThat(response.body()).contains("\"INVALID_FILE\"");
    assertThat(file).hasContent("old");
    assertOnly("x");
  }

  @Test
  void keepsTheOldFileWhenTheClientGoesAway() throws Exception {
    Path file = Files.writeString(directory.resolve("x"), "old");
    try (RawClient client = server.server().connect()) {
      client.send(
          "POST /files/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary="
              + FileServer.BOUNDARY
              + "\r\nContent-Length: 100000\r\n\r\n"
              + metadata(file)
              + part("file", "new"));
      client.endSending();
      client.isClosed();
    }

    assertThat(file).hasContent("old");
    assertOnly("x");
  }

  @Test
  void refusesTooManyParts() throws IOException {
    try (FileServer small = new FileServer(directory, new FileLimits(1024, 2))) {
      RawClient.Response response =
          small.upload(metadata(directory.resolve("x")) + part("file", "1").repeat(2) + end());

      assertThat(response.status()).isEqualTo(400);
      assertThat(response.body()).contains("more than 2 parts");
    }
    assertOnly();
  }

  @Test
  void keepsTheModeOfAnExistingFileAndFollowsLinks() throws IOException {
    Path file = Files.writeString(directory.resolve("x"), "old");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx--x--x"));
    Path link = Files.createSymbolicLink(directory.resolve("l"), Path.of("x"));

    assertThat(server.upload(metadata(link) + part("file", "new") + end()).status()).isEqualTo(200);

    assertThat(link).isSymbolicLink();
    assertThat(file).hasContent("new");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rwx--x--x");
  }

  @Test
  void createsTheTargetOfADanglingLink() throws IOException {
    Path link = Files.createSymbolicLink(directory.resolve("l"), Path.of("later"));

    assertThat(server.upload(metadata(link) + part("file", "new") + end()).status()).isEqualTo(200);

    assertThat(directory.resolve("later")).hasContent("new");
  }

  @Test
  void setsTheModeThatIsAskedFor() throws IOException {
    Path file = directory.resolve("x");
    String metadata = part("metadata", "{\"path\":\"" + file + "\",\"mode\":640}");

    assertThat(server.upload(metadata + part("file", "") + end()).status()).isEqualTo(200);

    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-r-----");
  }

  @Test
  void refusesADirectoryAsTarget() throws IOException {
    RawClient.Response response = server.upload(metadata(directory) + part("file", "x") + end());

    assertThat(response.status()).isEqualTo(500);
    assertThat(response.body()).contains("RUNTIME_ERROR").contains("is a directory");
  }

  @Test
  void writesTheLaterOfTwoContentsForOnePath() throws IOException {
    Path file = directory.resolve("x");
    String form = metadata(file) + part("file", "1") + metadata(file) + part("file", "2") + end();

    assertThat(server.upload(form).status()).isEqualTo(200);

    assertThat(file).hasContent("2");
    assertOnly("x");
  }

  @Test
  void keepsEveryByteOfContentsThatResembleTheBoundary() throws IOException {
    Random random = new Random(11);
    String[] pieces = {
      "\r\n--" + FileServer.BOUNDARY.substring(1), "\r\n--", "\r", "\n", "--Xx", "abc", "\r\n"
    };
    for (int round = 0; round < 30; round++) {
      StringBuilder content = new StringBuilder();
      int count = random.nextInt(2000);
      for (int i = 0; i < count; i++) {
        content.append(pieces[random.nextInt(pieces.length)]);
      }
      Path file = directory.resolve("x");

      assertThat(server.upload(metadata(file) + part("file", content.toString()) + end()).status())
          .isEqualTo(200);
      assertThat(Files.readAllBytes(file))
          .isEqualTo(content.toString().getBytes(StandardCharsets.UTF_8));
    }
  }

  @Test
  void survivesRandomForms() throws IOException {
    Random random = new Random(12);
    String[] pieces = {
      "--" + FileServer.BOUNDARY,
      "\r\n",
      "--",
      "Content-Disposition: form-data; name=\"file\"; filename=\"",
      "\"",
      "name=metadata",
      ";",
      "\r\n\r\n",
      "{\"path\":\"",
      directory + "/r",
      "\"}",
      "\0",
      "é",
      metadata(directory.resolve("r"))
    };
    for (int round = 0; round < 300; round++) {
      StringBuilder form = new StringBuilder();
      int count = random.nextInt(24);
      for (int i = 0; i < count; i++) {
        form.append(pieces[random.nextInt(pieces.length)]);
      }
      assertThat(server.upload(form.toString()).status()).isIn(200, 400);
    }
    assertThat(server.server().failures()).isEmpty();
  }

  private void assertOnly(String... names) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      List<String> found = entries.map(path -> path.getFileName().toString()).toList();
      assertThat(found).containsExactlyInAnyOrder(names);
    }
  }
}
