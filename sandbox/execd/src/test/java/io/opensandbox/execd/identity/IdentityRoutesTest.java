package io.opensandbox.execd.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.directory.DirectoryRoutes;
import io.opensandbox.execd.file.FileLimits;
import io.opensandbox.execd.file.FileRoutes;
import io.opensandbox.execd.file.FileTimes;
import io.opensandbox.execd.file.Leftovers;
import io.opensandbox.execd.file.NewOwner;
import io.opensandbox.execd.http.RawClient;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TestServer;
import io.opensandbox.execd.path.PathExpansion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class IdentityRoutesTest {
  private static final String SOMEBODY = "/v1/filesystem/2000001/2000002";

  @TempDir private Path directory;
  private final AccountDatabase accounts = AccountDatabase.ofSystem();
  private TestServer server;
  private Path open;
  private boolean root;

  @BeforeEach
  void start() throws IOException {
    Router files = new Router();
    var paths = new PathExpansion(Map::of);
    var times = new FileTimes(ZoneOffset.UTC);
    var leftovers = new Leftovers(directory, directory.resolve("notes"));
    new FileRoutes(paths, accounts, times, FileLimits.DEFAULT, leftovers, NewOwner.NOBODY)
        .register(files);
    new DirectoryRoutes(paths, accounts, times, 1 << 20, NewOwner.NOBODY).register(files);
    Router router = new Router();
    new IdentityRoutes(files, accounts).register(router);
    server = new TestServer(router);
    Files.setAttribute(directory, "unix:mode", 0755);
    open = Files.createDirectory(directory.resolve("open"));
    Files.setAttribute(open, "unix:mode", 0777);
    root = Files.getAttribute(directory, "unix:uid").equals(0);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private RawClient.Response upload(String as, Path path) throws IOException {
    String form =
        "--B\r\nContent-Disposition: form-data; name=\"metadata\"; filename=\"m\"\r\n\r\n"
            + "{\"path\":\"%s\"}\r\n--B\r\n".formatted(path)
            + "Content-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n"
            + "text\r\n--B--\r\n";
    return server.request(
        ("POST %s/files/upload HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
                + "Content-Type: multipart/form-data; boundary=B\r\n\r\n%s")
            .formatted(as, form.length(), form));
  }

  @Test
  void whatAUserMakesIsTheirs() throws IOException {
    assumeTrue(root, "only root may act as others");

    assertThat(upload(SOMEBODY, open.resolve("deep/file")).status()).isEqualTo(200);
    assertThat(
            server
                .send("POST", SOMEBODY + "/directories", "{\"" + open + "/made\":{\"mode\":700}}")
                .status())
        .isEqualTo(200);

    for (String name : new String[] {"deep", "deep/file", "made"}) {
      Path path = open.resolve(name);
      assertThat(Files.readAttributes(path, "unix:uid,gid").toString())
          .as(name)
          .contains("uid=2000001", "gid=2000002");
    }
    assertThat(server.get(SOMEBODY + "/files/download?path=" + open + "/deep/file").body())
        .isEqualTo("text");
    assertThat(server.get(SOMEBODY + "/directories/list?path=" + open).body())
        .contains("\"owner\":\"2000001\"", "\"group\":\"2000002\"");
  }

  @Test
  void whatAUserMayNotIsRefused() throws IOException {
    assumeTrue(root, "only root may act as others");
    Path secret = Files.writeString(directory.resolve("secret"), "secret");
    Files.setAttribute(secret, "unix:mode", 0600);

    RawClient.Response read = server.get(SOMEBODY + "/files/download?path=" + secret);
    assertThat(read.status()).isEqualTo(500);
    assertThat(read.body()).contains("permission denied").doesNotContain("\"secret\"");
    assertThat(upload(SOMEBODY, directory.resolve("new")).status()).isEqualTo(500);
    assertThat(upload(SOMEBODY, secret).status()).isEqualTo(500);
    String change = "{\"" + secret + "\":{\"mode\":777}}";
    assertThat(server.send("POST", SOMEBODY + "/files/permissions", change).status())
        .isEqualTo(500);
    assertThat(secret).hasContent("secret");
    // The next one has all of root's rights again.
    assertThat(server.get("/v1/filesystem/0/0/files/download?path=" + secret).body())
        .isEqualTo("secret");
  }

  @Test
  void onesOwnIdentityNeedsNoRight() throws IOException {
    Map<String, Object> own = Files.readAttributes(directory, "unix:uid,gid");
    String as = "/v1/filesystem/%s/%s".formatted(own.get("uid"), own.get("gid"));

    assertThat(server.get(as + "/files/info?path=" + open).status()).isEqualTo(200);
  }

  @Test
  void withoutRootOthersAreForbidden() throws IOException {
    assumeTrue(!root, "root may act as others");

    RawClient.Response refused = server.get(SOMEBODY + "/files/info?path=" + open);

    assertThat(refused.status()).isEqualTo(403);
    assertThat(refused.body()).contains("FORBIDDEN");
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1/0", "0/x", "root/root", "4294967295/0", "0/99999999999", "%20/0"})
  void identitiesAreNumbers(String identity) throws IOException {
    RawClient.Response refused =
        server.get("/v1/filesystem/" + identity + "/files/info?path=" + open);

    assertThat(refused.status()).isEqualTo(400);
    assertThat(refused.body()).contains("INVALID_REQUEST_BODY", "from 0 to 4294967294");
  }
}
