package io.opensandbox.execd.file;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.http.RawClient;
import io.opensandbox.execd.json.JsonArray;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class FileRoutesTest {
  @TempDir private Path directory;
  private FileServer server;
  private Path file;

  @BeforeEach
  void start() throws IOException {
    server = new FileServer(directory);
    file = Files.writeString(directory.resolve("x"), "content");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  private static JsonObject object(RawClient.Response response) {
    assertThat(response.status()).isEqualTo(200);
    return JsonParser.parseObject(response.body().getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void info_isKeyedByTheRequestedText() throws IOException {
    Files.setLastModifiedTime(file, FileTime.from(Instant.parse("2026-06-15T10:00:00.120Z")));

    JsonObject info =
        object(server.get("/files/info", "path", "$DIR/x")).object("$DIR/x").orElseThrow();

    assertThat(info.members().keySet())
        .containsExactly(
            "path", "type", "size", "modified_at", "created_at", "owner", "group", "mode");
    assertThat(info.string("path")).hasValue(file.toString());
    assertThat(info.string("type")).hasValue("file");
    assertThat(info.integer("size")).hasValue(7);
    assertThat(info.string("modified_at")).hasValue("2026-06-15T10:00:00.12Z");
    assertThat(info.integer("mode")).hasValue(640);
    assertThat(info.string("owner")).hasValue(Files.getOwner(file).getName());
  }

  @Test
  void info_tellsTheFourTypes() throws IOException {
    Path link = Files.createSymbolicLink(directory.resolve("l"), Path.of("nowhere"));

    JsonObject info =
        object(
            server.get(
                "/files/info",
                "path",
                link.toString(),
                "path",
                directory.toString(),
                "path",
                "/dev/null"));

    assertThat(
            info.members().values().stream()
                .map(value -> ((JsonObject) value).stringOrEmpty("type")))
        .containsExactly("symlink", "directory", "other");
  }

  @Test
  void info_ofNothingIsEmptyAndOfAMissingFileIs404() throws IOException {
    assertThat(server.get("/files/info").body()).isEqualTo("{}");
    RawClient.Response response =
        server.get("/files/info", "path", file.toString(), "path", directory + "/no");
    assertThat(response.status()).isEqualTo(404);
    assertThat(response.body()).contains("\"FILE_NOT_FOUND\"");
  }

  @Test
  void undefinedVariablesAreARuntimeError() throws IOException {
    RawClient.Response response = server.get("/files/info", "path", "/$NOPE");

    assertThat(response.status()).isEqualTo(500);
    assertThat(response.body())
        .contains("RUNTIME_ERROR")
        .contains("undefined environment variables: NOPE");
  }

  @Test
  void delete_removesFilesAndLinksAndForgivesMissingOnes() throws IOException {
    Path dangling = Files.createSymbolicLink(directory.resolve("l"), Path.of("nowhere"));

    RawClient.Response response =
        server.delete(
            "/files",
            "path",
            file.toString(),
            "path",
            directory + "/no",
            "path",
            dangling.toString());

    assertThat(response.status()).isEqualTo(200);
    assertThat(response.header("content-length")).isEqualTo("0");
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void delete_refusesADirectoryAndALinkToOne() throws IOException {
    Path link = Files.createSymbolicLink(directory.resolve("l"), directory);

    assertThat(server.delete("/files", "path", directory.toString()).body())
        .contains("path is a directory");
    assertThat(server.delete("/files", "path", link.toString()).status()).isEqualTo(500);
    assertThat(link).isSymbolicLink();
    assertThat(server.delete("/files").status()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource({
    "755, rwxr-xr-x",
    "1600, rw-------",
    "7, ------rwx",
    "0, rw-r-----",
    "null, rw-r-----"
  })
  void permissions_setTheMode(String mode, String expected) throws IOException {
    assertThat(server.post("/files/permissions", "{'" + file + "':{'mode':" + mode + "}}").status())
        .isEqualTo(200);

    assertThat(mode(file)).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'mode':888}",
        "{'mode':-1}",
        "{'mode':10000}",
        "{'mode':6.5}",
        "{'mode':'755'}",
        "{'owner':'no-such-user'}",
        "{'group':'no-such-group'}",
        "{'owner':7}",
        "'755'",
        "[]"
      })
  void permissions_refuseBadValues(String permission) throws IOException {
    RawClient.Response response =
        server.post("/files/permissions", "{'" + file + "':" + permission + "}");

    assertThat(response.status()).isEqualTo(400);
    assertThat(response.body()).contains("INVALID_REQUEST_BODY");
    assertThat(mode(file)).isEqualTo("rw-r-----");
  }

  @Test
  void permissions_acceptOwnNumbersAndNullsAndReportMissingFiles() throws IOException {
    FileStatus status = FileStatus.of(file);
    String owners = "{'owner':'" + status.uid() + "','group':'" + status.gid() + "','mode':null}";

    assertThat(server.post("/files/permissions", "{'" + file + "':" + owners + "}").status())
        .isEqualTo(200);
    assertThat(server.post("/files/permissions", "{'" + file + "':null}").status()).isEqualTo(200);
    assertThat(server.post("/files/permissions", "{'" + directory + "/no':{'mode':600}}").status())
        .isEqualTo(404);
  }

  @Test
  void mv_movesFilesAndDirectoriesAndMakesParents() throws IOException {
    Path tree = Files.createDirectories(directory.resolve("tree/inner"));

    RawClient.Response response =
        server.post(
            "/files/mv",
            "[{'src':'"
                + file
                + "','dest':'"
                + tree
                + "/y'},{'src':'"
                + tree.getParent()
                + "','dest':'"
                + directory
                + "/a/b'}]");

    assertThat(response.status()).isEqualTo(200);
    assertThat(directory.resolve("a/b/inner/y")).hasContent("content");
    assertThat(file).doesNotExist();
  }

  @Test
  void mv_copiesBetweenFileSystems() throws IOException {
    Path other = Files.createTempDirectory(Path.of("/dev/shm"), "execd-files");
    Path tree = Files.createDirectories(directory.resolve("tree/inner"));
    Files.move(file, tree.resolve("x"));
    Files.createSymbolicLink(tree.resolve("l"), Path.of("x"));
    try {
      RawClient.Response response =
          server.post("/files/mv", "[{'src':'" + tree.getParent() + "','dest':'" + other + "/t'}]");

      assertThat(response.status()).isEqualTo(200);
      assertThat(other.resolve("t/inner/l")).isSymbolicLink().hasContent("content");
      assertThat(mode(other.resolve("t/inner/x"))).isEqualTo("rw-r-----");
      assertThat(directory).isEmptyDirectory();
      assertThat(FileTree.sortedNames(other)).hasSize(1);
    } finally {
      FileTree.delete(other);
    }
  }

  @Test
  void mv_refusesMissingSourcesExistingTargetsAndItself() throws IOException {
    Path tree = Files.createDirectory(directory.resolve("tree"));

    assertThat(
            server.post("/files/mv", "[{'src':'" + directory + "/no','dest':'/tmp/z'}]").status())
        .isEqualTo(404);
    assertThat(server.post("/files/mv", "[{'src':'" + file + "','dest':'" + tree + "'}]").body())
        .contains("RUNTIME_ERROR")
        .contains("destination path already exists");
    assertThat(
            server.post("/files/mv", "[{'src':'" + tree + "','dest':'" + tree + "/in'}]").status())
        .isEqualTo(400);
    assertThat(server.post("/files/mv", "[{'src':'" + file + "'}]").status()).isEqualTo(400);
    assertThat(server.post("/files/mv", "{}").status()).isEqualTo(400);
    assertThat(server.post("/files/mv", "[1]").status()).isEqualTo(400);
    assertThat(server.post("/files/mv", "null").status()).isEqualTo(200);
  }

  @Test
  void replace_replacesEveryOccurrenceAndCounts() throws IOException {
    Files.write(file, new byte[] {'a', 'a', 'a', 'a', 'a', (byte) 0xff, 'a', 'a'});

    assertThat(
            server.post("/files/replace?verbose=true", "{'$DIR/x':{'old':'aa','new':'b'}}").body())
        .isEqualTo("{\"$DIR/x\":{\"replacedCount\":3}}");
    assertThat(Files.readAllBytes(file)).isEqualTo(new byte[] {'b', 'b', 'a', (byte) 0xff, 'b'});
    assertThat(mode(file)).isEqualTo("rw-r-----");
  }

  @Test
  void replace_withoutVerboseAnswersNothing() throws IOException {
    RawClient.Response response =
        server.post("/files/replace", "{'" + file + "':{'old':'zzz','new':null}}");

    assertThat(response.status()).isEqualTo(200);
    assertThat(response.body()).isEmpty();
    assertThat(
            server.post("/files/replace?verbose=1", "{'" + file + "':{'old':'e','new':''}}").body())
        .isEmpty();
    assertThat(file).hasContent("contnt");
  }

  @Test
  void replace_worksAcrossBufferBorders() throws IOException {
    String text = "abcde".repeat(40_000);
    Files.writeString(file, text);

    String count =
        server
            .post("/files/replace?verbose=true", "{'" + file + "':{'old':'eabcd','new':'-'}}")
            .body();

    assertThat(count).contains("39999");
    assertThat(file).hasContent(text.replace("eabcd", "-"));
  }

  @Test
  void replace_refusesEmptyTextsDirectoriesAndMissingFiles() throws IOException {
    assertThat(server.post("/files/replace", "{'" + file + "':{'old':''}}").body())
        .contains("INVALID_REQUEST_BODY")
        .contains("old content must not be empty");
    assertThat(server.post("/files/replace", "{'" + directory + "/no':{'old':''}}").status())
        .isEqualTo(404);
    assertThat(server.post("/files/replace", "{'" + directory + "':{'old':'a'}}").status())
        .isEqualTo(500);
  }

  @Test
  void search_findsByBaseNameInOrderWithoutDirectories() throws IOException {
    Path inner = Files.createDirectories(directory.resolve("b/x.d"));
    Files.createFile(inner.resolve("x2"));
    Files.createFile(directory.resolve("a.txt"));
    Files.createSymbolicLink(directory.resolve("x3"), inner);

    assertThat(search("x*")).containsExactly(inner + "/x2", file.toString(), directory + "/x3");
    assertThat(search("**/x?")).containsExactly(inner + "/x2", directory + "/x3");
    assertThat(search("nothing")).isEmpty();
    assertThat(search("")).isEqualTo(search("**")).hasSizeGreaterThan(2);
  }

  private List<String> search(String pattern) throws IOException {
    RawClient.Response response =
        server.get("/files/search", "path", directory.toString(), "pattern", pattern);
    assertThat(response.status()).isEqualTo(200);
    JsonArray found =
        (JsonArray) JsonParser.parse(response.body().getBytes(StandardCharsets.UTF_8));
    return found.values().stream()
        .map(value -> ((JsonObject) value).stringOrEmpty("path"))
        .toList();
  }

  @Test
  void search_streamsManyResults() throws IOException {
    for (int i = 0; i < 3000; i++) {
      Files.createFile(directory.resolve("f" + i));
    }

    assertThat(search("f*")).hasSize(3000);
  }

  @Test
  void search_handlesOddRoots() throws IOException {
    assertThat(server.get("/files/search", "path", file.toString()).body()).contains("\"size\":7");
    assertThat(server.get("/files/search").body()).contains("MISSING_QUERY");
    assertThat(server.get("/files/search", "path", directory + "/no").status()).isEqualTo(404);
    assertThat(server.get("/files/search", "path", directory.toString(), "pattern", "[").status())
        .isEqualTo(400);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/files/mv", "/files/permissions", "/files/replace"})
  void refuseBodiesThatAreNoJson(String path) throws IOException {
    for (String body : new String[] {"", "{", "nope"}) {
      RawClient.Response response = server.post(path, body);
      assertThat(response.status()).isEqualTo(400);
      assertThat(response.body()).contains("INVALID_REQUEST_BODY");
    }
  }

  @Test
  void refuseNulInPaths() throws IOException {
    assertThat(server.get("/files/info", "path", "/a\0b").status()).isEqualTo(400);
    assertThat(server.post("/files/permissions", "{'/a\\u0000b':{'mode':600}}").status())
        .isEqualTo(400);
  }
}
