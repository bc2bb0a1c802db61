package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Execd;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.List;

/// Upload and download of a big file, beside `cp` of it inside the sandbox, and of many small ones.
final class FileBenchmark implements Benchmark {
  @Override
  public String name() {
    return "files";
  }

  @Override
  public List<Result> run(Target target) {
    try (var box = target.open()) {
      var execd = box.execd();
      long bytes = target.bigFileBytes();
      var upload =
          seconds(() ->
              execd.upload(
                  "/var/tmp/big", 644, BodyPublishers.ofInputStream(() -> new Zeros(bytes))));
      var copy =
          seconds(() -> execd.linesOf("cp /var/tmp/big /var/tmp/copy && sync /var/tmp/copy"));
      var plainCopy = seconds(() -> execd.linesOf("cp /var/tmp/big /var/tmp/copy2"));
      var download = seconds(() -> check(drain(execd), bytes));
      var small = new Samples();
      for (int i = 0; i < target.times(500); i++) {
        int number = i;
        small.measure(() -> execd.write("/tmp/small/" + number, "content"));
      }
      return List.of(
          rate("upload", bytes, upload).with("times_cp", upload / plainCopy),
          rate("download", bytes, download).with("times_cp", download / plainCopy),
          rate("cp", bytes, plainCopy),
          rate("cp-and-sync", bytes, copy),
          Result.of("upload-small", small));
    }
  }

  static Result rate(String name, long bytes, double seconds) {
    return Result.of(name, "mb_per_s", bytes / 1e6 / seconds);
  }

  static double seconds(Runnable work) {
    var start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) / 1e9;
  }

  static long drain(Execd execd) {
    var response =
        execd.http().open("GET", "/files/download?path=/var/tmp/big", BodyPublishers.noBody());
    try (var body = response.body()) {
      var buffer = new byte[1 << 16];
      long total = 0;
      for (int n = body.read(buffer); n >= 0; n = body.read(buffer)) {
        total += n;
      }
      return total;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void check(long received, long bytes) {
    if (received != bytes) {
      throw new IllegalStateException("downloaded " + received + " of " + bytes + " bytes");
    }
  }

  /// So many zero bytes.
  static final class Zeros extends InputStream {
    private long left;

    Zeros(long left) {
      this.left = left;
    }

    @Override
    public int read() {
      return left-- > 0 ? 0 : -1;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) {
      if (left <= 0) {
        return -1;
      }
      int n = (int) Math.min(left, length);
      left -= n;
      return n;
    }
  }
}
