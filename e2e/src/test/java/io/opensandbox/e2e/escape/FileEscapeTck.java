package io.opensandbox.e2e.escape;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.e2e.testbed.Images;
import io.opensandbox.e2e.testbed.ServerProcess;
import io.opensandbox.e2e.testbed.TestSandbox;
import io.opensandbox.e2e.wire.Execd;
import io.opensandbox.e2e.wire.Reply;
import io.opensandbox.e2e.wire.Server;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What must come of ways out through execd's files and archives, whatever the runtime. The host's
/// side is a folder with a secret and a folder with files to be changed, both below this test's own
/// folder, a name of which no sandbox has anything.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class FileEscapeTck {
  private static final int ROUNDS = 100;
  private static final String UP = "/tmp/../../../../../..";
  private static final String ROOT_OF_ONE = "/proc/1/root/../../..";

  private final String secret = UUID.randomUUID().toString();
  private final String id = UUID.randomUUID().toString();
  private Path host;
  private ServerProcess process;
  private Process onHost;
  private TestSandbox sandbox;
  private Execd execd;

  /// Starts the server.
  abstract ServerProcess start(Path folder);

  @BeforeAll
  void makeHostAndSandbox(@TempDir Path folder) throws IOException {
    host = Files.createDirectory(folder.resolve("host"));
    Files.createDirectory(secrets());
    Files.writeString(secretFile(), secret);
    Files.createDirectory(victims());
    Files.writeString(victims().resolve("victim"), "safe");
    var sleep = new ProcessBuilder("sleep", "1d");
    sleep.environment().put("OPENSANDBOX_TEST_SECRET", secret);
    onHost = sleep.start();
    process = start(Files.createDirectory(folder.resolve("state")));
    sandbox = TestSandbox.create(process.client(), Server.request(Images.PYTHON.reference()));
    execd = sandbox.execd();
    // What a sandbox may do itself: links to where the host has something.
    execd.linesOf(
        "set -e; cd /tmp; ln -s %s to-secret; ln -s %s to-secrets; ln -s %s%s to-root; ln -s %s to-victim; ln -s %s to-victims"
            .formatted(
                secretFile(),
                secrets(),
                ROOT_OF_ONE,
                secrets(),
                victims().resolve("by-link"),
                victims()));
  }

  @AfterAll
  void removeSandbox() {
    try (ServerProcess ends = process) {
      assertThat(ends).isNotNull();
      if (sandbox != null) {
        sandbox.close();
      }
    } finally {
      onHost.destroyForcibly();
    }
  }

  @AfterEach
  void hostIsAsItWas() throws IOException {
    assertThat(onTheHost())
        .isEqualTo(
            Map.of(
                "secrets",
                "rwxr-xr-x",
                "secrets/file",
                "rw-r--r-- " + secret,
                "victims",
                "rwxr-xr-x",
                "victims/victim",
                "rw-r--r-- safe"));
    assertThat(Path.of("/tmp", escaped())).doesNotExist();
    assertThat(Path.of("/", escaped())).doesNotExist();
  }

  private Map<String, String> onTheHost() throws IOException {
    var found = new TreeMap<String, String>();
    try (Stream<Path> paths = Files.walk(host)) {
      for (Path path : paths.filter(path -> !path.equals(host)).toList()) {
        String mode = PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
        String content = Files.isRegularFile(path) ? " " + Files.readString(path) : "";
        found.put(host.relativize(path).toString(), mode + content);
      }
    }
    return found;
  }

  private Path secrets() {
    return host.resolve("secrets");
  }

  private Path secretFile() {
    return secrets().resolve("file");
  }

  private Path victims() {
    return host.resolve("victims");
  }

  private String escaped() {
    return "osb-escaped-" + id;
  }

  Stream<Attempt> reads() {
    return Stream.of(
        get("a file by its path on the host", "/files/download", secretFile().toString()),
        get("... by way of many ..", "/files/download", UP + secretFile()),
        get("... by way of the root of process 1", "/files/download", ROOT_OF_ONE + secretFile()),
        get("... by way of the root of execd", "/files/download", "/proc/self/root" + secretFile()),
        get(
            "... by way of where execd is",
            "/files/download",
            "/proc/self/cwd/.." + UP + secretFile()),
        get("... by way of a link to it", "/files/download", "/tmp/to-secret"),
        get("... by way of a link to its folder", "/files/download", "/tmp/to-secrets/file"),
        get("... by way of a link into /proc", "/files/download", "/tmp/to-root/file"),
        get(
            "... as a user that one may choose",
            "/v1/filesystem/0/0/files/download",
            UP + secretFile()),
        get("what the host's file is like", "/files/info", UP + secretFile()),
        get("a listing of the host's folder", "/directories/list", UP + secrets()),
        get("a search in the host's folder", "/files/search", UP + secrets()),
        get("a search by way of the root of process 1", "/files/search", ROOT_OF_ONE + secrets()),
        get("an archive of the host's folder", "/archive", UP + secrets()),
        get("an archive by way of a link", "/archive", "/tmp/to-secrets"));
  }

  @ParameterizedTest
  @MethodSource("reads")
  void reads(Attempt attempt) {
    check(attempt);
  }

  Stream<Attempt> changes() {
    return Stream.of(
        Attempt.of("an upload with many ..", to -> upload(to, UP + "/tmp/" + escaped()), 200)
            .leaving(holds("/tmp/" + escaped())),
        Attempt.of(
                "an upload to a path of the host",
                to -> upload(to, victims().resolve("victim").toString()),
                200)
            .leaving(holds(victims().resolve("victim").toString())),
        Attempt.of("an upload through a link to a file", to -> upload(to, "/tmp/to-victim"), 200)
            .leaving(holds(victims().resolve("by-link").toString())),
        Attempt.of(
                "an upload through a link to a folder",
                to -> upload(to, "/tmp/to-victims/by-folder"),
                200)
            .leaving(holds(victims().resolve("by-folder").toString())),
        Attempt.of(
                "an upload by way of the root of process 1",
                to -> upload(to, ROOT_OF_ONE + victims() + "/by-root"),
                200)
            .leaving(holds(victims().resolve("by-root").toString())),
        Attempt.of(
            "a change of text",
            to ->
                to.http()
                    .sendJson(
                        "POST",
                        "/files/replace",
                        Map.of(UP + secretFile(), Map.of("old", secret, "new", "changed"))),
            404),
        Attempt.of("a change of rights", to -> permissions(to, UP + secretFile()), 404),
        Attempt.of(
            "a change of rights through a link", to -> permissions(to, "/tmp/to-secret"), 404),
        Attempt.of("a change of the folder's rights", to -> permissions(to, UP + secrets()), 404),
        Attempt.of("a move from the host", to -> move(to, UP + secretFile(), "/tmp/moved"), 404),
        Attempt.of(
                "a move to the host",
                to -> {
                  to.write("/tmp/mine", "escaped");
                  return move(to, "/tmp/mine", UP + "/" + escaped());
                },
                200)
            .leaving(holds("/" + escaped())),
        Attempt.of(
            "a removal of a file", to -> send(to, "DELETE", "/files", UP + secretFile()), 200),
        Attempt.of(
            "a removal of a folder", to -> send(to, "DELETE", "/directories", UP + secrets()), 200),
        Attempt.of(
                "a removal of a folder through a link",
                to -> send(to, "DELETE", "/directories", "/tmp/to-secrets"),
                200)
            .leaving("true"),
        Attempt.of(
                "a new folder",
                to ->
                    to.http()
                        .sendJson(
                            "POST",
                            "/directories",
                            Map.of(UP + victims() + "/made", Map.of("mode", 755))),
                200)
            .leaving("test -d " + victims() + "/made"));
  }

  @ParameterizedTest
  @MethodSource("changes")
  void changes(Attempt attempt) {
    check(attempt);
  }

  Stream<Attempt> archives() {
    String out = "../".repeat(9);
    return Stream.of(
        refused("a member above", tar().file("../" + escaped(), "x"), "leads out"),
        refused("a member far above", tar().file(out + "tmp/" + escaped(), "x"), "leads out"),
        refused("a member above from below", tar().file("a/../../" + escaped(), "x"), "leads out"),
        refused("a member with an absolute name", tar().file("/tmp/" + escaped(), "x"), "absolute"),
        refused(
            "a name above in an extended header",
            tar().fileNamedByRecord("../" + escaped(), "x"),
            "leads out"),
        refused(
            "a name above in a member of GNU's",
            tar().fileNamedByMember("../" + escaped(), "x"),
            "leads out"),
        refused(
            "a member below a link to a folder",
            tar().link(TarBytes.SYMBOLIC_LINK, "d", "/tmp").file("d/" + escaped(), "x"),
            "is a link"),
        refused(
            "a member below a link above",
            tar().link(TarBytes.SYMBOLIC_LINK, "d", out + "tmp").file("d/" + escaped(), "x"),
            "is a link"),
        archive(
                "a member of the name of a link",
                tar()
                    .link(TarBytes.SYMBOLIC_LINK, "d", "/tmp/" + escaped())
                    .file("d", "escaped")
                    .bytes(),
                200)
            .leaving("test -f %1$s/d && ! test -L %1$s/d && %2$s".formatted(target(), notThere())),
        refused(
            "a hard link to an absolute name",
            tar().link(TarBytes.HARD_LINK, "h", "/etc/passwd"),
            "absolute"),
        refused(
            "a hard link to a name above",
            tar().link(TarBytes.HARD_LINK, "h", out + "etc/passwd"),
            "leads out"),
        refused(
            "a hard link through a link",
            tar()
                .link(TarBytes.SYMBOLIC_LINK, "d", "/etc")
                .link(TarBytes.HARD_LINK, "h", "d/passwd"),
            "is a link"),
        refused(
            "a hard link to a link",
            tar()
                .link(TarBytes.SYMBOLIC_LINK, "l", "/etc/passwd")
                .link(TarBytes.HARD_LINK, "h", "l"),
            "no file of the archive"),
        refused("a character device", tar().node(TarBytes.CHARACTER_DEVICE, "null"), "no file"),
        refused("a block device", tar().node(TarBytes.BLOCK_DEVICE, "disk"), "no file"),
        refused("a pipe", tar().node(TarBytes.FIFO, "pipe"), "no file"),
        archive("a setuid bit", tar().file("su", 06755, "escaped").bytes(), 200)
            .leaving("test \"$(stat -c %%a %s/su)\" = 755".formatted(target())),
        archive(
                "a member above, compressed",
                compressed(tar().file("../" + escaped(), "x").bytes()),
                400)
            .saying("leads out")
            .leaving(notThere()),
        archive("a zip with a member above", zip("../" + escaped()), 400)
            .saying("INVALID_FILE")
            .leaving(notThere()),
        Attempt.of(
                "an archive for a path with many ..",
                to -> unpack(to, UP + victims(), tar().file("unpacked", "escaped").bytes()),
                200)
            .leaving(holds(victims().resolve("unpacked").toString())),
        Attempt.of(
                "an archive for a link to a folder",
                to -> unpack(to, "/tmp/to-victims", tar().file("by-link", "escaped").bytes()),
                200)
            .leaving(holds(victims().resolve("by-link").toString())));
  }

  @ParameterizedTest
  @MethodSource("archives")
  void archives(Attempt attempt) {
    check(attempt);
  }

  @Test
  void processOfTheHostIsNotSeen() {
    for (String file : List.of("environ", "cmdline", "root" + secretFile(), "cwd" + secretFile())) {
      var reply = send(execd, "GET", "/files/download", "/proc/" + onHost.pid() + "/" + file);

      // A process of the sandbox may have that number.
      assertThat(reply.text()).as(file).doesNotContain(secret);
      assertThat(reply.status()).as(file).isLessThan(500);
    }
  }

  @Test
  void linkThatChangesWhileItIsReadLeadsNowhere() {
    var running =
        execd.start(
            "echo own >/tmp/own; while :; do ln -sfn /tmp/own /tmp/swap; ln -sfn %s /tmp/swap; ln -sfn %s%s /tmp/swap; done"
                .formatted(secretFile(), ROOT_OF_ONE, secretFile()));

    for (int i = 0; i < ROUNDS; i++) {
      assertThat(send(execd, "GET", "/files/download", "/tmp/swap").text()).doesNotContain(secret);
    }
    send(execd, "DELETE", "/command", "id", running).expect(200);
  }

  @Test
  void folderThatBecomesALinkWhileSomethingIsUnpackedLeadsNowhere() {
    var running =
        execd.start(
            "while :; do rm -rf /tmp/turning; mkdir -p /tmp/turning/d; rm -rf /tmp/turning; ln -s %s /tmp/turning; done"
                .formatted(victims()));

    for (int i = 0; i < ROUNDS; i++) {
      var reply = unpack(execd, "/tmp/turning", tar().file("d/victim", "escaped").bytes());

      assertThat(reply.status()).as(reply.text()).isIn(200, 400, 404, 500);
    }
    send(execd, "DELETE", "/command", "id", running).expect(200);
  }

  private void check(Attempt attempt) {
    var reply = attempt.request().apply(execd);

    assertThat(reply.text()).doesNotContain(secret).contains(attempt.says());
    assertThat(reply.status()).as(reply.text()).isEqualTo(attempt.status());
    assertThat(execd.run(attempt.inside()).exitCode()).as(attempt.inside()).isZero();
  }

  private static Attempt get(String name, String route, String path) {
    return Attempt.of(name + ": " + route, to -> send(to, "GET", route, path), 404)
        .saying("FILE_NOT_FOUND");
  }

  private static Reply send(Execd to, String method, String route, String path) {
    return send(to, method, route, "path", path);
  }

  private static Reply send(Execd to, String method, String route, String key, String value) {
    return to.http().send(method, route + "?" + key + "=" + URLEncoder.encode(value, UTF_8));
  }

  private static Reply upload(Execd to, String path) {
    return to.upload(path, 644, BodyPublishers.ofString("escaped"));
  }

  private static Reply permissions(Execd to, String path) {
    return to.http()
        .sendJson(
            "POST", "/files/permissions", Map.of(path, Map.of("owner", "nobody", "mode", 777)));
  }

  private static Reply move(Execd to, String from, String path) {
    return to.http().sendJson("POST", "/files/mv", List.of(Map.of("src", from, "dest", path)));
  }

  private static TarBytes tar() {
    return new TarBytes();
  }

  private Attempt refused(String name, TarBytes archive, String why) {
    return archive(name, archive.bytes(), 400).saying(why).leaving(notThere());
  }

  private Attempt archive(String name, byte[] bytes, int status) {
    return Attempt.of(name, to -> unpack(to, target(), bytes), status);
  }

  private static String target() {
    return "/tmp/target";
  }

  private static Reply unpack(Execd to, String path, byte[] archive) {
    return to.http()
        .sendBody(
            "POST",
            "/archive?" + Execd.pathQuery(path),
            "application/octet-stream",
            BodyPublishers.ofByteArray(archive));
  }

  private static String holds(String path) {
    return "test \"$(cat %1$s)\" = escaped && rm %1$s".formatted(path);
  }

  private String notThere() {
    return "! test -e /tmp/%1$s && ! test -e /%1$s".formatted(escaped());
  }

  private static byte[] compressed(byte[] bytes) {
    var out = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private static byte[] zip(String name) {
    var out = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry(name));
      zip.write('x');
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
