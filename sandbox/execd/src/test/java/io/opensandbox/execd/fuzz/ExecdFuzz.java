package io.opensandbox.execd.fuzz;

import static io.opensandbox.execd.fuzz.Requests.FORM;
import static io.opensandbox.execd.fuzz.Requests.HANDSHAKE;
import static io.opensandbox.execd.fuzz.Requests.compressed;
import static io.opensandbox.execd.fuzz.Requests.encoded;
import static io.opensandbox.execd.fuzz.Requests.framed;
import static io.opensandbox.execd.fuzz.Requests.get;
import static io.opensandbox.execd.fuzz.Requests.joined;
import static io.opensandbox.execd.fuzz.Requests.lineWindow;
import static io.opensandbox.execd.fuzz.Requests.member;
import static io.opensandbox.execd.fuzz.Requests.request;
import static io.opensandbox.execd.fuzz.Requests.upgrade;
import static io.opensandbox.execd.fuzz.Requests.upload;
import static io.opensandbox.execd.fuzz.Requests.withoutFolder;

import com.code_intelligence.jazzer.api.BugDetectors;
import com.code_intelligence.jazzer.api.SilentCloseable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/// No input makes the daemon crash, hang or blame itself: one method for every place where bytes of
/// a client are taken apart.
///
/// With the Maven profile `fuzz` the corpus is replayed; `sandbox/execd/fuzz` makes up new inputs,
/// guided by the coverage of the daemon's code.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ExecdFuzz {
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1");

  private Path root = Path.of("");
  private Path envFile = Path.of("");
  private FuzzedDaemon daemon;

  @BeforeAll
  void start(@TempDir Path directory) throws IOException {
    root = Files.createDirectory(directory.toRealPath().resolve("root"));
    Files.writeString(root.resolve("file"), "one\ntwo\nthree\n");
    envFile = directory.resolve("env");
    daemon = new FuzzedDaemon(root, Files.createDirectory(directory.resolve("state")), envFile);
    daemon.makeWhatRequestsName();
  }

  @AfterAll
  void stop() {
    daemon.close();
  }

  private void survives(byte[] request) throws IOException {
    try (SilentCloseable _ =
        BugDetectors.allowNetworkConnections((host, _) -> LOOPBACK.contains(host))) {
      Survival.check(daemon.server(), request);
    }
  }

  @Fuzzed
  void head(byte[] input) throws IOException {
    survives(input);
  }

  @Fuzzed
  void header(byte[] input) throws IOException {
    survives(joined("GET /ping HTTP/1.1\r\nHost: x\r\n", input, "\r\n\r\n"));
  }

  @Fuzzed
  void chunked(byte[] input) throws IOException {
    survives(
        joined(
            "POST /files/mv HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", input, ""));
  }

  @Fuzzed
  void path(byte[] input) throws IOException {
    survives(joined("GET /", input, " HTTP/1.1\r\nHost: x\r\n\r\n"));
  }

  @Fuzzed
  void query(byte[] input) throws IOException {
    survives(joined("GET /files/info?", input, " HTTP/1.1\r\nHost: x\r\n\r\n"));
  }

  @Fuzzed
  void proxy(byte[] input) throws IOException {
    survives(joined("GET /proxy/2/", input, " HTTP/1.1\r\nHost: x\r\n\r\n"));
  }

  @Fuzzed
  void token(byte[] input) throws IOException {
    survives(joined("GET /x HTTP/1.1\r\nHost: x\r\nX-EXECD-ACCESS-TOKEN: ", input, "\r\n\r\n"));
  }

  @Fuzzed
  void filePath(byte[] input) throws IOException {
    survives(get("/files/info?path=" + encoded(input)));
  }

  @Fuzzed
  void downloadPath(byte[] input) throws IOException {
    survives(get("/files/download?path=" + encoded(input)));
  }

  @Fuzzed
  void glob(byte[] input) throws IOException {
    survives(get("/files/search?path=" + root + "&pattern=" + encoded(input)));
  }

  @Fuzzed
  void depth(byte[] input) throws IOException {
    survives(get("/directories/list?path=" + root + "&depth=" + encoded(input)));
  }

  @Fuzzed
  void lines(byte[] input) throws IOException {
    survives(get("/files/download?path=" + root + "/file&" + lineWindow(input)));
  }

  @Fuzzed
  void range(byte[] input) throws IOException {
    survives(
        joined(
            "GET /files/download?path=" + root + "/file HTTP/1.1\r\nHost: x\r\nRange: ",
            input,
            "\r\n\r\n"));
  }

  @Fuzzed
  void deletePath(byte[] input) throws IOException {
    survives(request("DELETE", "/files?path=" + encoded(input), ""));
  }

  @Fuzzed
  void rmdirPath(byte[] input) throws IOException {
    survives(request("DELETE", "/directories?path=" + encoded(input), ""));
  }

  @Fuzzed
  void multipart(byte[] input) throws IOException {
    survives(request("POST", "/files/upload", FORM, input));
  }

  @Fuzzed
  void boundary(byte[] input) throws IOException {
    survives(
        joined(
            "POST /files/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nContent-Type: ",
            input,
            "\r\n\r\n--b\r\n\r\nx\n"));
  }

  @Fuzzed
  void metadata(byte[] input) throws IOException {
    survives(request("POST", "/files/upload", FORM, upload(input)));
  }

  @Fuzzed
  void permissions(byte[] input) throws IOException {
    survives(request("POST", "/files/permissions", input));
  }

  @Fuzzed
  void mkdir(byte[] input) throws IOException {
    survives(request("POST", "/directories", input));
  }

  @Fuzzed
  void move(byte[] input) throws IOException {
    survives(request("POST", "/files/mv", input));
  }

  @Fuzzed
  void replace(byte[] input) throws IOException {
    survives(request("POST", "/files/replace?verbose=true", input));
  }

  @Fuzzed
  void tar(byte[] input) throws IOException {
    survives(request("POST", "/archive?path=" + root + "/unpacked", input));
  }

  @Fuzzed
  void gzip(byte[] input) throws IOException {
    survives(request("POST", "/archive?path=" + root + "/unpacked", compressed(input)));
  }

  @Fuzzed
  void command(byte[] input) throws IOException {
    survives(request("POST", "/command", withoutFolder(input)));
  }

  @Fuzzed
  void argv(byte[] input) throws IOException {
    survives(request("POST", "/command", joined("{\"argv\":", input, "}")));
  }

  @Fuzzed
  void folder(byte[] input) throws IOException {
    survives(request("POST", "/command", member("cwd", input)));
  }

  @Fuzzed
  void idempotencyKey(byte[] input) throws IOException {
    survives(
        joined(
            "POST /command HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\nIdempotency-Key: ",
            input,
            "\r\n\r\n{\"command\":\"x\"}"));
  }

  @Fuzzed
  void lastEventId(byte[] input) throws IOException {
    survives(
        joined("GET /command/c2/stream HTTP/1.1\r\nHost: x\r\nLast-Event-ID: ", input, "\r\n\r\n"));
  }

  @Fuzzed
  void cursor(byte[] input) throws IOException {
    survives(get("/command/c/logs?cursor=" + encoded(input)));
  }

  @Fuzzed
  void session(byte[] input) throws IOException {
    survives(request("POST", "/session", withoutFolder(input)));
  }

  @Fuzzed
  void sessionRun(byte[] input) throws IOException {
    survives(request("POST", "/session/s/run", input));
  }

  @Fuzzed
  void code(byte[] input) throws IOException {
    survives(request("POST", "/code", withoutFolder(input)));
  }

  @Fuzzed
  void codeContext(byte[] input) throws IOException {
    survives(request("POST", "/code/context", withoutFolder(input)));
  }

  @Fuzzed
  void interrupt(byte[] input) throws IOException {
    survives(request("DELETE", "/command?id=" + encoded(input), ""));
  }

  @Fuzzed
  void envFile(byte[] input) throws IOException {
    Files.write(envFile, input);
    survives(request("POST", "/command", "{\"command\":\"x\"}"));
  }

  @Fuzzed
  void isolated(byte[] input) throws IOException {
    survives(request("POST", "/v1/isolated/session", withoutFolder(input)));
  }

  @Fuzzed
  void terminal(byte[] input) throws IOException {
    survives(request("POST", "/pty", withoutFolder(input)));
  }

  @Fuzzed
  void frames(byte[] input) throws IOException {
    survives(upgrade("/echo", input));
  }

  @Fuzzed
  void terminalFrames(byte[] input) throws IOException {
    survives(upgrade("/pty/t/ws", framed(input)));
  }

  @Fuzzed
  void terminalQuery(byte[] input) throws IOException {
    survives(joined("GET /pty/t/ws?", input, " HTTP/1.1\r\n" + HANDSHAKE + "\r\n"));
  }
}
