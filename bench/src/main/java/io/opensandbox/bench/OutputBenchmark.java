package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.List;
import java.util.Map;

/// How fast a command's output reaches a client that only reads.
final class OutputBenchmark implements Benchmark {
  private static final int LINE = 1000;

  @Override
  public String name() {
    return "output";
  }

  @Override
  public List<Result> run(Target target) {
    try (var box = target.open()) {
      long bytes = target.quick() ? 16L << 20 : 512L << 20;
      stream(box, 1 << 20);
      var start = System.nanoTime();
      var received = stream(box, bytes);
      var seconds = (System.nanoTime() - start) / 1e9;
      if (received < bytes) {
        throw new IllegalStateException("only " + received + " of " + bytes + " bytes arrived");
      }
      return List.of(Result.of("stdout", "mb_per_s", bytes / 1e6 / seconds));
    }
  }

  /// Lets the sandbox print `bytes` and reads the whole stream without parsing it.
  private static long stream(Target.Box box, long bytes) {
    var command =
        "line=$(head -c %d /dev/zero | tr '\\000' x); yes \"$line\" | head -c %d"
            .formatted(LINE - 1, bytes);
    var response =
        box.execd()
            .http()
            .open(
                "POST",
                "/command",
                BodyPublishers.ofString(Json.write(Map.of("command", command))),
                "Content-Type",
                "application/json");
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
}
