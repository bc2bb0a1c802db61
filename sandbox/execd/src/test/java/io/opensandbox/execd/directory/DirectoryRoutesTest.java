package io.opensandbox.execd.directory;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.file.FileTimes;
import io.opensandbox.execd.file.NewOwner;
import io.opensandbox.execd.http.RawClient;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TestServer;
import io.opensandbox.execd.json.JsonArray;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.path.PathExpansion;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class DirectoryRoutesTest {
  @TempDir private Path directory;
  private final TestServer server = new TestServer(routes());

  private static Router routes() {
    Router router = new Router();
    new DirectoryRoutes(
            new PathExpansion(Map::of),
            AccountDatabase.ofSystem(),
            new FileTimes(ZoneOffset.UTC),
            1 << 20,
            NewOwner.NOBODY)
        .register(router);
    return router;
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private List<String> list(String query) throws IOException {
    RawClient.Response response = server.get("/directories/list?path=" + directory + query);
    assertThat(response.status()).isEqualTo(200);
    JsonArray entries =
        (JsonArray) JsonParser.parse(response.body().getBytes(StandardCharsets.UTF_8));
    return entries.values().stream()
        .map(JsonObject.class::cast)
        .map(entry ->
            entry.stringOrEmpty("path").substring(directory.toString().length())
                + " "
                + entry.stringOrEmpty("type"))
        .toList();
  }

  @Test
  void listsInPreorderWithoutTheRoot() throws IOException {
    Files.createDirectories(directory.resolve("b/c"));
    Files.createFile(directory.resolve("b/c/d"));
    Files.createFile(directory.resolve("B"));
    Files.createFile(directory.resolve("bé"));
    Files.createSymbolicLink(directory.resolve("z"), directory);

    assertThat(list("")).containsExactly("/B file", "/b directory", "/bé file", "/z symlink");
    assertThat(list("&depth=2")).contains("/b/c directory").doesNotContain("/b/c/d file");
    assertThat(list("&depth=9"))
        .containsExactly(
            "/B file", "/b directory", "/b/c directory", "/b/c/d file", "/bé file", "/z symlink");
    assertThat(list("&depth=0")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1", "x", "1.5", "", "99999999999999999999"})
  void refusesOtherDepths(String depth) throws IOException {
    RawClient.Response response =
        server.get("/directories/list?path=" + directory + "&depth=" + depth);

    assertThat(response.status()).isEqualTo(400);
    assertThat(response.body()).contains("INVALID_REQUEST_BODY");
  }

  @Test
  void refusesWhatIsNoDirectory() throws IOException {
    Path file = Files.createFile(directory.resolve("f"));
    Path link = Files.createSymbolicLink(directory.resolve("l"), directory);

    assertThat(server.get("/directories/list?path=" + file).status()).isEqualTo(400);
    assertThat(server.get("/directories/list?path=" + link).status()).isEqualTo(400);
    assertThat(server.get("/directories/list?path=" + directory + "/no").body())
        .contains("FILE_NOT_FOUND");
    assertThat(server.get("/directories/list").body()).contains("MISSING_QUERY");
  }

  @Test
  void makesDirectoriesAndSetsTheModeOfNewLeavesOnly() throws IOException {
    String body = "{\"" + directory + "/a/b\":{\"mode\":711,\"owner\":null,\"group\":null}}";

    assertThat(server.send("POST", "/directories", body).status()).isEqualTo(200);
    assertThat(server.send("POST", "/directories", body.replace("711", "700")).status())
        .isEqualTo(200);

    assertThat(
            PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("a/b"))))
        .isEqualTo("rwx--x--x");
    assertThat(directory.resolve("a")).isDirectory();
  }

  @Test
  void refusesToMakeADirectoryWhereAFileIs() throws IOException {
    Path file = Files.createFile(directory.resolve("f"));

    assertThat(server.send("POST", "/directories", "{\"" + file + "\":{}}").body())
        .contains("RUNTIME_ERROR");
    assertThat(server.send("POST", "/directories", "{\"" + file + "/x\":{}}").status())
        .isEqualTo(500);
  }

  @Test
  void removesTreesWithoutFollowingLinks() throws IOException {
    Path kept = Files.createDirectories(directory.resolve("kept/deep"));
    Path tree = Files.createDirectories(directory.resolve("tree/a/b"));
    Files.createSymbolicLink(tree.resolve("l"), kept);
    Path file = Files.createFile(directory.resolve("f"));
    String target =
        "/directories?path="
            + directory
            + "/tree"
            + "&path="
            + file
            + "&path="
            + directory
            + "/no&path=";

    RawClient.Response response =
        server.request("DELETE " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");

    assertThat(response.status()).isEqualTo(200);
    assertThat(kept).isDirectory();
    assertThat(directory.resolve("tree")).doesNotExist();
    assertThat(file).doesNotExist();
  }

  @Test
  void doesNotRemoveTheRootDirectory() throws IOException {
    RawClient.Response response =
        server.request("DELETE /directories?path=/ HTTP/1.1\r\nHost: x\r\n\r\n");

    assertThat(response.status()).isEqualTo(500);
    assertThat(Path.of("/etc")).isDirectory();
  }
}
