package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Execd;
import io.opensandbox.e2e.wire.Http;
import io.opensandbox.e2e.wire.Server;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.ArrayList;
import java.util.List;

/// What the server's proxy adds to a request, and to a big file both ways, taken alternately with
/// direct ones.
final class ProxyBenchmark implements Benchmark {
  private static final String BIG = "/var/tmp/big";
  private static final int ROUNDS = 7;

  @Override
  public String name() {
    return "proxy";
  }

  @Override
  public List<Result> run(Target target) {
    try (var box = target.open()) {
      var direct = target.server().portOf(box.id(), Server.EXECD_PORT, false);
      var proxied = target.server().portOf(box.id(), Server.EXECD_PORT, true);
      var directly = new Samples();
      var throughServer = new Samples();
      for (int i = 0; i < target.times(500); i++) { // warm-up
        ping(direct);
        ping(proxied);
      }
      for (int i = 0; i < target.times(2000); i++) {
        directly.measure(() -> ping(direct));
        throughServer.measure(() -> ping(proxied));
      }
      var less = Result.of("ping-direct", directly);
      var more = Result.of("ping-proxied", throughServer);
      var results = new ArrayList<>(List.of(less, more));
      results.add(Result.difference("proxy-added", more, less));
      big(target, new Execd(direct), new Execd(proxied), results);
      return results;
    }
  }

  private static void big(Target target, Execd direct, Execd proxied, List<Result> results) {
    long bytes = target.bigFileBytes();
    upload(direct, bytes); // the first one finds an empty disk
    var uploads = new Pair();
    var downloads = new Pair();
    for (int i = 0; i < target.times(ROUNDS); i++) {
      uploads.measure(() -> upload(direct, bytes), () -> upload(proxied, bytes));
      downloads.measure(() -> download(direct, bytes), () -> download(proxied, bytes));
    }
    results.addAll(uploads.results("big-upload", bytes));
    results.addAll(downloads.results("big-download", bytes));
  }

  private static void upload(Execd execd, long bytes) {
    execd.upload(BIG, 644, BodyPublishers.ofInputStream(() -> new FileBenchmark.Zeros(bytes)));
  }

  private static void download(Execd execd, long bytes) {
    FileBenchmark.check(FileBenchmark.drain(execd), bytes);
  }

  /// Seconds of the same thing directly and through the server. What the machine does meanwhile
  /// hits neighbours alike, so each is compared with its neighbour.
  private static final class Pair {
    private final List<Double> direct = new ArrayList<>();
    private final List<Double> proxied = new ArrayList<>();
    private final List<Double> ratios = new ArrayList<>();

    void measure(Runnable directly, Runnable throughServer) {
      boolean directFirst = ratios.size() % 2 == 0;
      double first = FileBenchmark.seconds(directFirst ? directly : throughServer);
      double second = FileBenchmark.seconds(directFirst ? throughServer : directly);
      direct.add(directFirst ? first : second);
      proxied.add(directFirst ? second : first);
      ratios.add(proxied.getLast() / direct.getLast());
    }

    List<Result> results(String name, long bytes) {
      return List.of(
          FileBenchmark.rate(name + "-direct", bytes, median(direct)),
          FileBenchmark.rate(name + "-proxied", bytes, median(proxied))
              .with("times_direct", median(ratios)));
    }

    private static double median(List<Double> values) {
      return values.stream().sorted().toList().get(values.size() / 2);
    }
  }

  private static void ping(Http http) {
    http.send("GET", "/ping").expect(200);
  }
}
