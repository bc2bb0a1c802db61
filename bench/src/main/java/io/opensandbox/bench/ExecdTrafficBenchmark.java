package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// An execd executable of this machine, without any server: commands, their output, files and
/// keystrokes over bare sockets, so that neither a proxy nor the client is measured.
final class ExecdTrafficBenchmark implements Benchmark {
  private static final String TRUE = "{\"command\":\"true\"}";
  private static final int AT_ONCE = 32;
  private static final int LINE = 1000;
  private static final int ROUNDS = 3;
  private static final String BOUNDARY = "bench";

  @Override
  public String name() {
    return "execd-traffic";
  }

  @Override
  public List<Result> run(Target target) {
    var results = new ArrayList<Result>();
    if (target.execd().isPresent()) {
      LocalExecd.start(
          target.execd().get().toAbsolutePath(), (execd, _) -> measure(target, execd, results));
    }
    return results;
  }

  private static void measure(Target target, LocalExecd execd, List<Result> results) {
    try {
      results.add(alone(target, execd));
      results.add(atOnce(target, execd));
      results.add(output(target, execd));
      results.add(keystrokes(target, execd));
      var folder = Files.createTempDirectory(Path.of("/var/tmp"), "bench");
      try {
        results.addAll(bigFile(target, execd, folder));
        results.add(smallFiles(target, execd, folder));
      } finally {
        remove(folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Result alone(Target target, LocalExecd execd) throws IOException {
    var samples = new Samples();
    try (var connection = new RawConnection(execd.port())) {
      for (int i = 0; i < target.times(500); i++) {
        connection.run(TRUE);
      }
      for (int i = 0; i < target.times(2000); i++) {
        samples.measure(() -> run(connection, TRUE));
      }
    }
    return Result.of("execd-run-true", samples);
  }

  private static Result atOnce(Target target, LocalExecd execd) {
    int each = target.times(150);
    var samples = new Samples();
    long start = System.nanoTime();
    try (var tasks = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < AT_ONCE; i++) {
        Future<?> _ = tasks.submit(() -> runMany(execd, each, samples));
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    return Result.of("execd-run-true-at-32", samples)
        .with("per_s", (samples.count() - samples.failures()) / seconds);
  }

  private static void runMany(LocalExecd execd, int times, Samples samples) {
    try (var connection = new RawConnection(execd.port())) {
      for (int i = 0; i < times; i++) {
        samples.measure(() -> run(connection, TRUE));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static long run(RawConnection connection, String json) {
    try {
      return connection.run(json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Result output(Target target, LocalExecd execd) throws IOException {
    long bytes = target.quick() ? 16L << 20 : 512L << 20;
    String script =
        "line=$(head -c %d /dev/zero | tr '\\000' x); yes \"$line\" | head -c %d"
            .formatted(LINE - 1, bytes);
    var times = new ArrayList<Double>();
    for (int i = 0; i < ROUNDS; i++) {
      try (var connection = new RawConnection(execd.port())) {
        long start = System.nanoTime();
        long received = connection.run(Json.write(Map.of("command", script)));
        times.add((System.nanoTime() - start) / 1e9);
        if (received < bytes) {
          throw new IllegalStateException("only " + received + " of " + bytes + " bytes arrived");
        }
      }
    }
    return Result.of("execd-stdout", "mb_per_s", bytes / 1e6 / median(times))
        .with("rss_mib", execd.rssBytes() / 1048576.0);
  }

  /// From a keystroke to its echo by the shell.
  private static Result keystrokes(Target target, LocalExecd execd) throws IOException {
    String id =
        execd
            .execd()
            .http()
            .sendJson("POST", "/pty", Map.of())
            .expect(201)
            .json()
            .text("session_id");
    var samples = new Samples();
    try (var connection = new RawConnection(execd.port())) {
      connection
          .out()
          .write(
              ("GET /pty/"
                      + id
                      + "/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                      + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                      + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      connection.readHead(101);
      awaitByte(connection, '#', '$'); // the prompt
      for (int i = 0; i < target.times(500); i++) {
        long start = System.nanoTime();
        // A masked binary frame: the input channel and one key.
        connection.out().write(new byte[] {(byte) 0x82, (byte) 0x82, 0, 0, 0, 0, 0, 'x'});
        connection.out().flush();
        awaitByte(connection, 'x', 'x');
        samples.add(Duration.ofNanos(System.nanoTime() - start));
      }
    }
    execd.execd().http().send("DELETE", "/pty/" + id);
    return Result.of("execd-keystroke", samples);
  }

  private static void awaitByte(RawConnection connection, char one, char other) throws IOException {
    for (int b = connection.readByte(); b != one && b != other; ) {
      b = connection.readByte();
    }
  }

  private static List<Result> bigFile(Target target, LocalExecd execd, Path folder)
      throws IOException {
    long bytes = target.bigFileBytes();
    Path file = folder.resolve("big");
    var uploads = new ArrayList<Double>();
    var downloads = new ArrayList<Double>();
    var copies = new ArrayList<Double>();
    double rss = 0;
    for (int i = 0; i < ROUNDS; i++) {
      uploads.add(seconds(() -> upload(execd, file, bytes)));
      rss = Math.max(rss, execd.rssBytes() / 1048576.0);
      copies.add(seconds(() -> copy(file, folder.resolve("copy"))));
      downloads.add(seconds(() -> download(execd, file, bytes)));
      rss = Math.max(rss, execd.rssBytes() / 1048576.0);
    }
    double copy = median(copies);
    return List.of(
        rate("execd-upload", bytes, uploads).with("times_cp", median(uploads) / copy),
        rate("execd-download", bytes, downloads)
            .with("times_cp", median(downloads) / copy)
            .with("rss_mib", rss),
        rate("execd-cp", bytes, copies));
  }

  private static void upload(LocalExecd execd, Path file, long bytes) throws IOException {
    byte[] head =
        part("metadata", "{\"path\":\"" + file + "\"}")
            .concat(fileHead())
            .getBytes(StandardCharsets.UTF_8);
    byte[] end = ("\r\n--" + BOUNDARY + "--\r\n").getBytes(StandardCharsets.UTF_8);
    var block = new byte[1 << 18];
    try (var connection = new RawConnection(execd.port())) {
      OutputStream out =
          connection.begin(
              "POST",
              "/files/upload",
              "multipart/form-data; boundary=" + BOUNDARY,
              head.length + bytes + end.length);
      out.write(head);
      for (long left = bytes; left > 0; left -= block.length) {
        out.write(block, 0, (int) Math.min(left, block.length));
      }
      out.write(end);
      connection.readHead(200);
    }
  }

  private static void download(LocalExecd execd, Path file, long bytes) throws IOException {
    try (var connection = new RawConnection(execd.port())) {
      connection.begin("GET", "/files/download?path=" + file, "text/plain", 0);
      long length = connection.readHead(200);
      if (length != bytes) {
        throw new IOException("the download has " + length + " bytes, not " + bytes);
      }
      connection.skip(length);
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    Process cp = new ProcessBuilder("cp", from.toString(), to.toString()).inheritIO().start();
    if (cp.onExit().join().exitValue() != 0) {
      throw new IOException("cp failed");
    }
  }

  private static Result smallFiles(Target target, LocalExecd execd, Path folder)
      throws IOException {
    int count = target.quick() ? 100 : 10_000;
    var body = new ByteArrayOutputStream();
    for (int i = 0; i < count; i++) {
      String path = folder.resolve("small").resolve(i % 100 + "").resolve(i + "").toString();
      String pair =
          part("metadata", "{\"path\":\"" + path + "\"}") + fileHead() + "content " + i + "\r\n";
      body.writeBytes(pair.getBytes(StandardCharsets.UTF_8));
    }
    body.writeBytes(("--" + BOUNDARY + "--\r\n").getBytes(StandardCharsets.UTF_8));
    var times = new ArrayList<Double>();
    for (int i = 0; i < ROUNDS; i++) {
      times.add(
          seconds(() -> {
            try (var connection = new RawConnection(execd.port())) {
              connection
                  .begin(
                      "POST",
                      "/files/upload",
                      "multipart/form-data; boundary=" + BOUNDARY,
                      body.size())
                  .write(body.toByteArray());
              connection.readHead(200);
            }
          }));
    }
    return Result.of("execd-upload-many", "ms", median(times) * 1000).with("files", count);
  }

  private static String part(String name, String content) {
    return "--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\n\r\n%s\r\n"
        .formatted(BOUNDARY, name, name, content);
  }

  private static String fileHead() {
    return "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n"
        .formatted(BOUNDARY);
  }

  private static Result rate(String name, long bytes, List<Double> seconds) {
    return Result.of(name, "mb_per_s", bytes / 1e6 / median(seconds));
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }

  private interface Work {
    void run() throws IOException;
  }

  private static double seconds(Work work) throws IOException {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) / 1e9;
  }

  private static void remove(Path folder) throws IOException {
    try (var all = Files.walk(folder)) {
      for (Path path : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
