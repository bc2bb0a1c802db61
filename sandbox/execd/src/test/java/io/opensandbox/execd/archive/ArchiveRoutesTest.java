package io.opensandbox.execd.archive;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.file.Leftovers;
import io.opensandbox.execd.http.RawClient;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.http.TestServer;
import io.opensandbox.execd.path.PathExpansion;
import io.opensandbox.execd.process.SpawnException;
import io.opensandbox.execd.process.Spawner;
import io.opensandbox.execd.process.TestBroker;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class ArchiveRoutesTest {
  private static final Leftovers NO_NOTES = new Leftovers(Path.of("/tmp"));
  @TempDir private Path directory;
  private final TestServer server = new TestServer(routes());
  private Path root;

  private static Router routes() {
    Spawner none =
        _ -> {
          throw new SpawnException("no process in this test");
        };
    return routes(new Zstd(none, Optional::empty));
  }

  private static Router routes(Zstd zstd) {
    Router router = new Router();
    new ArchiveRoutes(new PathExpansion(Map::of), zstd, NO_NOTES).register(router);
    return router;
  }

  @BeforeEach
  void makeRoot() throws IOException {
    root = Files.createDirectory(directory.resolve("root"));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private RawClient.Response upload(byte[] archive) throws IOException {
    return upload(server, archive);
  }

  private RawClient.Response upload(TestServer to, byte[] archive) throws IOException {
    try (RawClient client = to.connect()) {
      client.send(
          "POST /archive?path="
              + root
              + " HTTP/1.1\r\nHost: x\r\nContent-Length: "
              + archive.length
              + "\r\n\r\n");
      return client.send(archive).receive();
    }
  }

  private static TarEntry file(String name, String content) {
    return new TarEntry(name, TarEntry.Kind.FILE, 0640, content.length(), 1_700_000_000, "");
  }

  private static TarEntry link(String name, String target) {
    return new TarEntry(name, TarEntry.Kind.SYMBOLIC_LINK, 0777, 0, 0, target);
  }

  /// An archive whose files all hold `content`.
  private static byte[] tar(String content, TarEntry... entries) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    TarWriter tar = new TarWriter(out);
    for (TarEntry entry : entries) {
      tar.begin(entry);
      if (entry.size() > 0) {
        out.writeBytes(content.getBytes(StandardCharsets.UTF_8));
        tar.pad(entry.size());
      }
    }
    tar.end();
    return out.toByteArray();
  }

  @Test
  void unpacksFilesDirectoriesAndLinks() throws IOException {
    Files.writeString(root.resolve("f"), "old");
    TarEntry directoryEntry = new TarEntry("d/", TarEntry.Kind.DIRECTORY, 0500, 0, 0, "");
    TarEntry hard = new TarEntry("h", TarEntry.Kind.HARD_LINK, 0644, 0, 0, "d/f");

    RawClient.Response response =
        upload(
            tar(
                "abc",
                directoryEntry,
                file("d/f", "abc"),
                file("./f", "abc"),
                link("l", "/etc/passwd"),
                hard));

    assertThat(response.body()).isEqualTo("{\"entries\":5,\"bytes\":6}");
    assertThat(root.resolve("d/f")).hasContent("abc");
    assertThat(root.resolve("f")).hasContent("abc");
    assertThat(root.resolve("h")).hasContent("abc");
    assertThat(Files.readSymbolicLink(root.resolve("l"))).isEqualTo(Path.of("/etc/passwd"));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(root.resolve("f"))))
        .isEqualTo("rw-r-----");
    assertThat(Files.getLastModifiedTime(root.resolve("f")).toMillis())
        .isEqualTo(1_700_000_000_000L);
  }

  @ParameterizedTest
  @ValueSource(strings = {"../x", "a/../../x", "/x", "a/..", ".."})
  void refusesNamesThatLeadOut(String name) throws IOException {
    RawClient.Response response = upload(tar("abc", file(name, "abc")));

    assertThat(response.status()).isEqualTo(400);
    assertThat(response.body()).contains("INVALID_FILE");
    assertThat(directory.resolve("x")).doesNotExist();
  }

  @Test
  void writesThroughNoLink() throws IOException {
    Path outside = Files.createDirectory(directory.resolve("outside"));
    Path victim = Files.writeString(outside.resolve("victim"), "safe");
    Files.createSymbolicLink(root.resolve("there"), outside);

    assertThat(upload(tar("abc", file("there/victim", "abc"))).status()).isEqualTo(400);
    assertThat(
            upload(tar("abc", link("new", outside.toString()), file("new/victim", "abc"))).status())
        .isEqualTo(400);
    assertThat(
            upload(tar("abc", link("direct", victim.toString()), file("direct", "abc"))).status())
        .isEqualTo(200);
    TarEntry hard = new TarEntry("h", TarEntry.Kind.HARD_LINK, 0644, 0, 0, "there/victim");
    assertThat(upload(tar("abc", hard)).status()).isEqualTo(400);

    assertThat(victim).hasContent("safe");
    assertThat(Files.isSymbolicLink(root.resolve("direct"))).isFalse();
  }

  @Test
  void refusesDevicesAndBrokenArchives() throws IOException {
    byte[] good = tar("abc", file("f", "abc"));
    byte[] device = good.clone();
    device[156] = '3';
    device[148 + 5] = (byte) (device[148 + 5] + 3);
    byte[] truncated = java.util.Arrays.copyOf(good, 600);
    byte[] flipped = good.clone();
    flipped[0]++;

    for (byte[] archive : new byte[][] {device, truncated, flipped, {1, 2, 3}, {}}) {
      RawClient.Response response = upload(archive);
      assertThat(response.status()).isEqualTo(400);
      assertThat(response.body()).contains("INVALID_FILE");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tar", "tar.gz"})
  void bringsADirectoryBackAsItWas(String format) throws IOException {
    String longName = "n".repeat(120) + "é";
    Path tree = Files.createDirectories(directory.resolve("tree/sub"));
    Files.writeString(tree.resolve(longName), "x".repeat(2000));
    Files.createSymbolicLink(tree.resolve("l"), Path.of("t".repeat(150)));
    byte[] archive;
    try (RawClient client = server.connect()) {
      client.send(
          "GET /archive?format="
              + format
              + "&path="
              + tree.getParent()
              + " HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(client.receiveHead().status()).isEqualTo(200);
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      for (String chunk = client.readChunk(); !chunk.isEmpty(); chunk = client.readChunk()) {
        body.writeBytes(chunk.getBytes(StandardCharsets.ISO_8859_1));
      }
      archive = body.toByteArray();
    }

    assertThat(upload(archive).status()).isEqualTo(200);

    assertThat(root.resolve("sub").resolve(longName)).hasContent("x".repeat(2000));
    assertThat(Files.readSymbolicLink(root.resolve("sub/l"))).isEqualTo(Path.of("t".repeat(150)));
  }

  @Test
  void refusesOtherFormatsAndPaths() throws IOException {
    assertThat(server.get("/archive?path=" + root + "&format=tar.zst").status()).isEqualTo(501);
    assertThat(server.get("/archive?path=" + root + "&format=zip").status()).isEqualTo(400);
    assertThat(server.get("/archive?path=" + root + "/no").status()).isEqualTo(404);
    assertThat(server.get("/archive").body()).contains("MISSING_QUERY");
  }

  /// Reading fails in the middle of the second file, as little of it stays as of a killed daemon's.
  @Test
  void notesWhatItIsAboutToWrite() throws IOException {
    Path notes = directory.resolve("notes");
    byte[] archive = tar("abc", file("f", "abc"), file("g", "abc"));
    var leftovers = new Leftovers(directory, notes);
    List<String> noted = new ArrayList<>();
    InputStream in =
        new FilterInputStream(new ByteArrayInputStream(archive)) {
          @Override
          public int read(byte[] buffer, int offset, int length) throws IOException {
            noted.add(notesIn(notes));
            return super.read(buffer, offset, length);
          }
        };

    try (Leftovers.Staging staging = leftovers.begin()) {
      Extraction.extract(new TarReader(in), root, staging);
    }

    assertThat(noted).anyMatch(note -> note.startsWith(root + "/.execd-"));
    assertThat(noted).noneMatch(note -> note.split("\0", -1).length > 2);
    assertThat(notesIn(notes)).isEmpty();
  }

  private static String notesIn(Path notes) throws IOException {
    StringBuilder text = new StringBuilder();
    if (Files.exists(notes)) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(notes)) {
        for (Path file : files) {
          text.append(Files.readString(file));
        }
      }
    }
    return text.toString();
  }

  @Test
  void survivesRandomArchives() throws IOException {
    byte[] good = tar("abc", file("f", "abc"), file("d/" + "g".repeat(150), "abc"), link("l", "m"));
    Random random = new Random(4);
    for (int round = 0; round < 3000; round++) {
      byte[] bytes = good.clone();
      for (int i = random.nextInt(4); i >= 0; i--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      repairChecksum(bytes);
      try {
        Extraction.extract(new TarReader(new ByteArrayInputStream(bytes)), root, NO_NOTES.begin());
      } catch (IOException | java.nio.file.InvalidPathException _) {
        assertThat(Files.exists(directory, LinkOption.NOFOLLOW_LINKS)).isTrue();
      }
    }
  }

  private static void repairChecksum(byte[] bytes) {
    int sum = 8 * ' ';
    for (int i = 0; i < 512; i++) {
      sum += i >= 148 && i < 156 ? 0 : bytes[i] & 0xff;
    }
    byte[] text = "%06o\0 ".formatted(sum).getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(text, 0, bytes, 148, 8);
  }

  @Test
  void acceptsGzip() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(tar("abc", file("f", "abc")));
    }

    assertThat(upload(out.toByteArray()).status()).isEqualTo(200);
    byte[] cut = java.util.Arrays.copyOf(out.toByteArray(), 40);
    assertThat(upload(cut).status()).isEqualTo(400);
    assertThat(root.resolve("f")).hasContent("abc");
  }

  @Test
  void compressesWithZstdBothWays() throws IOException {
    Files.createDirectories(root.resolve("d"));
    Files.write(root.resolve("d/noise"), noise(3_000_000));
    Files.writeString(root.resolve("text"), "text\n".repeat(100_000));
    Path copy = directory.resolve("copy");
    try (TestBroker broker = TestBroker.start();
        TestServer real = new TestServer(routes(zstd(broker)))) {
      byte[] archive = download(real, "format=tar.zst");
      assertThat(archive).startsWith(0x28, 0xb5, 0x2f, 0xfd).hasSizeBetween(3_000_000, 3_100_000);

      Path source = root;
      root = copy;
      assertThat(upload(real, archive).body()).isEqualTo("{\"entries\":3,\"bytes\":3500000}");

      assertThat(copy.resolve("d/noise")).hasSameBinaryContentAs(source.resolve("d/noise"));
      assertThat(copy.resolve("text")).hasSameBinaryContentAs(source.resolve("text"));
    }
  }

  @Test
  void unpacksNothingOutsideFromZstdAndRefusesDamagedOnes() throws IOException {
    Files.writeString(root.resolve("f"), "f");
    try (TestBroker broker = TestBroker.start();
        TestServer real = new TestServer(routes(zstd(broker)))) {
      byte[] good = download(real, "format=tar.zst");
      byte[] flipped = good.clone();
      flipped[good.length / 2] ^= 1;

      for (byte[] bad :
          List.of(flipped, Arrays.copyOf(good, good.length / 2), Arrays.copyOf(good, 4))) {
        RawClient.Response response = upload(real, bad);
        assertThat(response.status()).as(response.body()).isEqualTo(400);
        assertThat(response.body()).contains("INVALID_FILE");
      }
      Path outside = directory.resolve("outside.tar");
      Files.write(outside, tar("abc", file("../x", "abc")));
      RawClient.Response response = upload(real, compressed(broker, outside));
      assertThat(response.body()).contains("leads out");
      assertThat(directory.resolve("x")).doesNotExist();
    }
  }

  private static byte[] compressed(TestBroker broker, Path file) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (OutputStream compressing = zstd(broker).compressing(out)) {
      compressing.write(Files.readAllBytes(file));
    }
    return out.toByteArray();
  }

  private static Zstd zstd(TestBroker broker) {
    return new Zstd(broker.spawner(), () -> Optional.of(TestBroker.launcher()));
  }

  private static byte[] noise(int length) {
    byte[] noise = new byte[length];
    new Random(1).nextBytes(noise);
    return noise;
  }

  private byte[] download(TestServer from, String query) throws IOException {
    try (RawClient client = from.connect()) {
      client.send("GET /archive?path=" + root + "&" + query + " HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(client.receiveHead().status()).isEqualTo(200);
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      for (String chunk = client.readChunk(); !chunk.isEmpty(); chunk = client.readChunk()) {
        body.writeBytes(chunk.getBytes(StandardCharsets.ISO_8859_1));
      }
      return body.toByteArray();
    }
  }
}
