package io.opensandbox.e2e.execd;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.e2e.testbed.Images;
import io.opensandbox.e2e.testbed.TestSandbox;
import io.opensandbox.e2e.testbed.Testbed;
import io.opensandbox.e2e.wire.Execd;
import io.opensandbox.e2e.wire.Json;
import io.opensandbox.e2e.wire.Reply;
import java.net.URLEncoder;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// The points about files that the official end-to-end suites assert.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FileConformanceIT {
  private TestSandbox sandbox;
  private Execd execd;

  @BeforeAll
  void createSandbox() {
    sandbox = Testbed.create(Images.PYTHON);
    execd = sandbox.execd();
  }

  @AfterAll
  void deleteSandbox() {
    sandbox.close();
  }

  @Test
  void write_thenRead_givesTheSameBytes() {
    var bytes = new byte[70_000];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i * 31);
    }

    execd.upload("/tmp/deep/er/blob.bin", 644, BodyPublishers.ofByteArray(bytes));

    assertThat(execd.read("/tmp/deep/er/blob.bin")).isEqualTo(bytes);
  }

  @Test
  void freshFile_hasModeOwnerAndCloseTimes() {
    execd.write("/tmp/fresh.txt", "content");

    var info = info("/tmp/fresh.txt");

    assertThat(info.number("mode")).isEqualTo(644);
    assertThat(info.number("size")).isEqualTo(7);
    assertThat(info.text("type")).isEqualTo("file");
    assertThat(info.text("owner")).isEqualTo("root");
    var created = OffsetDateTime.parse(info.text("created_at"));
    var modified = OffsetDateTime.parse(info.text("modified_at"));
    assertThat(Duration.between(created, modified).abs())
        .isLessThanOrEqualTo(Duration.ofSeconds(2));
  }

  @Test
  void permissions_roundTrip() {
    execd.write("/tmp/owned.txt", "x");

    post(
            "/files/permissions",
            Map.of("/tmp/owned.txt", Map.of("owner", "nobody", "group", "nogroup", "mode", 600)))
        .expect(200);

    var info = info("/tmp/owned.txt");
    assertThat(List.of(info.text("owner"), info.text("group"), String.valueOf(info.number("mode"))))
        .containsExactly("nobody", "nogroup", "600");
  }

  @Test
  void directory_isMadeWithMode_listed_andRemovedWithContent() {
    post("/directories", Map.of("/tmp/dir/inner", Map.of("mode", 644))).expect(200);
    execd.write("/tmp/dir/a.txt", "a");

    assertThat(info("/tmp/dir/inner").number("mode")).isEqualTo(644);
    var listed =
        execd.http().send("GET", "/directories/list?path=/tmp/dir").expect(200).json().items();
    assertThat(listed)
        .extracting(entry -> entry.text("path") + " " + entry.text("type"))
        .containsExactly("/tmp/dir/a.txt file", "/tmp/dir/inner directory");
    execd.http().send("DELETE", "/directories?path=/tmp/dir").expect(200);
    assertThat(execd.http().send("GET", "/files/info?path=/tmp/dir").status()).isEqualTo(404);
  }

  @Test
  void threeFiles_inOneForm() {
    var body = new StringBuilder();
    for (int i = 1; i <= 3; i++) {
      body.append(part("metadata", "metadata", "{\"path\":\"/tmp/form/" + i + ".txt\"}"));
      body.append(part("file", "/tmp/form/" + i + ".txt", "file " + i));
    }
    body.append("--x--\r\n");

    upload(body.toString()).expect(200);

    for (int i = 1; i <= 3; i++) {
      assertThat(execd.read("/tmp/form/" + i + ".txt")).asString().isEqualTo("file " + i);
    }
  }

  @Test
  void unquotedPartNames_andNullMembers_areAccepted() {
    var body =
        "--x\r\nContent-Disposition: form-data; name=metadata; filename=metadata\r\n\r\n"
            + "{\"path\":\"/tmp/csharp.txt\",\"owner\":null,\"group\":null,\"mode\":755}\r\n"
            + "--x\r\nContent-Disposition: form-data; name=file; filename=f;"
            + " filename*=utf-8''%2Ftmp%2Ff\r\n\r\nsharp\r\n--x--\r\n";

    upload(body).expect(200);

    assertThat(execd.read("/tmp/csharp.txt")).asString().isEqualTo("sharp");
    assertThat(info("/tmp/csharp.txt").number("mode")).isEqualTo(755);
  }

  @Test
  void truncatedForm_isRefused_andWritesNothing() {
    var reply =
        upload(
            part("metadata", "metadata", "{\"path\":\"/tmp/truncated.txt\"}")
                + "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nhal");

    assertThat(reply.status()).isEqualTo(400);
    assertThat(reply.json().text("code")).startsWith("INVALID_FILE");
    assertThat(execd.http().send("GET", "/files/info?path=/tmp/truncated.txt").status())
        .isEqualTo(404);
  }

  @Test
  void byteRange_isServed() throws Exception {
    execd.write("/tmp/range.txt", "0123456789abcdef");

    var response =
        execd
            .http()
            .open(
                "GET",
                "/files/download?path=/tmp/range.txt",
                BodyPublishers.noBody(),
                "Range",
                "bytes=0-9");

    try (var stream = response.body()) {
      assertThat(response.statusCode()).isEqualTo(206);
      assertThat(response.headers().firstValue("Content-Range")).hasValue("bytes 0-9/16");
      assertThat(stream.readAllBytes()).asString().isEqualTo("0123456789");
    }
  }

  @Test
  void unsatisfiableRange_is416() throws Exception {
    execd.write("/tmp/short.txt", "0123");

    var response =
        execd
            .http()
            .open(
                "GET",
                "/files/download?path=/tmp/short.txt",
                BodyPublishers.noBody(),
                "Range",
                "bytes=10-");

    try (var stream = response.body()) {
      assertThat(response.statusCode()).isEqualTo(416);
      assertThat(response.headers().firstValue("Content-Range")).hasValue("bytes */4");
      assertThat(stream.readAllBytes()).isNotEmpty();
    }
  }

  @Test
  void lineWindow_hasNoFinalNewline() {
    execd.write("/tmp/lines.txt", "line1\nline2\nline3\nline4\n");

    var window =
        execd
            .http()
            .send("GET", "/files/download?path=/tmp/lines.txt&offset=2&limit=2")
            .expect(200);

    assertThat(window.text()).isEqualTo("line2\nline3");
  }

  @Test
  void search_findsFilesByBaseName() {
    execd.write("/tmp/search/one.txt", "1");
    execd.write("/tmp/search/sub/two.txt", "2");
    execd.write("/tmp/search/sub/three.log", "3");

    assertThat(search("/tmp/search", "*"))
        .containsExactlyInAnyOrder(
            "/tmp/search/one.txt", "/tmp/search/sub/two.txt", "/tmp/search/sub/three.log");
    assertThat(search("/tmp/search", "*.txt"))
        .containsExactlyInAnyOrder("/tmp/search/one.txt", "/tmp/search/sub/two.txt");
    assertThat(search("/tmp/search", "t{wo,hree}.*"))
        .containsExactlyInAnyOrder("/tmp/search/sub/two.txt", "/tmp/search/sub/three.log");
  }

  @Test
  void move_acrossDirectories_thenDelete() {
    execd.write("/tmp/from/moved.txt", "m");

    post("/files/mv", List.of(Map.of("src", "/tmp/from/moved.txt", "dest", "/tmp/to/moved.txt")))
        .expect(200);

    assertThat(execd.read("/tmp/to/moved.txt")).asString().isEqualTo("m");
    assertThat(execd.http().send("GET", "/files/info?path=/tmp/from/moved.txt").status())
        .isEqualTo(404);
    execd.http().send("DELETE", "/files?path=/tmp/to/moved.txt").expect(200);
    assertThat(execd.http().send("GET", "/files/info?path=/tmp/to/moved.txt").status())
        .isEqualTo(404);
  }

  @Test
  void verboseReplace_countsMatches() {
    execd.write("/tmp/r0.txt", "none");
    execd.write("/tmp/r1.txt", "one foo");
    execd.write("/tmp/r3.txt", "foo foo foo");
    var change = Map.of("old", "foo", "new", "bar");

    var counts =
        post(
                "/files/replace?verbose=true",
                Map.of("/tmp/r0.txt", change, "/tmp/r1.txt", change, "/tmp/r3.txt", change))
            .expect(200)
            .json();

    assertThat(counts.at("/tmp/r0.txt").number("replacedCount")).isZero();
    assertThat(counts.at("/tmp/r1.txt").number("replacedCount")).isEqualTo(1);
    assertThat(counts.at("/tmp/r3.txt").number("replacedCount")).isEqualTo(3);
    assertThat(execd.read("/tmp/r3.txt")).asString().isEqualTo("bar bar bar");
  }

  @Test
  void plainReplace_answersEmptyWithALength() {
    execd.write("/tmp/plain.txt", "old");

    var reply =
        post("/files/replace", Map.of("/tmp/plain.txt", Map.of("old", "old", "new", "new")));

    assertThat(reply.status()).isEqualTo(200);
    assertThat(reply.header("Content-Length")).hasValue("0");
  }

  @Test
  void modificationTime_movesForwardOnWrite() {
    execd.write("/tmp/again.txt", "1");
    var before = OffsetDateTime.parse(info("/tmp/again.txt").text("modified_at"));

    execd.write("/tmp/again.txt", "2");

    assertThat(OffsetDateTime.parse(info("/tmp/again.txt").text("modified_at"))).isAfter(before);
  }

  @Test
  void missingFile_isNotFound() {
    for (var path : List.of("/files/info?path=/no/such", "/files/download?path=/no/such")) {
      var reply = execd.http().send("GET", path);

      assertThat(reply.status()).as(path).isEqualTo(404);
      assertThat(reply.json().text("code")).as(path).isEqualTo("FILE_NOT_FOUND");
      assertThat(reply.json().text("message")).as(path).isNotBlank();
    }
  }

  @Test
  void pathWithNul_isRefusedCleanly() {
    var reply = execd.http().send("GET", "/files/info?path=%2Ftmp%2Fa%00b");

    assertThat(reply.status()).isBetween(400, 499);
    assertThat(reply.json().text("code")).isNotBlank();
    assertThat(reply.json().text("message")).isNotBlank();
  }

  private Json info(String path) {
    return execd
        .http()
        .send("GET", "/files/info?" + Execd.pathQuery(path))
        .expect(200)
        .json()
        .at(path);
  }

  private List<String> search(String path, String pattern) {
    var query =
        Execd.pathQuery(path) + "&pattern=" + URLEncoder.encode(pattern, StandardCharsets.UTF_8);
    return execd.http().send("GET", "/files/search?" + query).expect(200).json().items().stream()
        .map(entry -> entry.text("path"))
        .toList();
  }

  private Reply post(String path, Object body) {
    return execd.http().sendJson("POST", path, body);
  }

  private Reply upload(String body) {
    return execd
        .http()
        .sendBody(
            "POST",
            "/files/upload",
            "multipart/form-data; boundary=x",
            BodyPublishers.ofString(body));
  }

  private static String part(String name, String fileName, String content) {
    return "--x\r\nContent-Disposition: form-data; name=\""
        + name
        + "\"; filename=\""
        + fileName
        + "\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        + content
        + "\r\n";
  }
}
