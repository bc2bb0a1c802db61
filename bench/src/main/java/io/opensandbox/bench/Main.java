package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Server;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Runs the benchmarks that the command line asks for. See `bench/run --help`.
public final class Main {
  private static final List<Benchmark> ALL =
      List.of(
          new CreateBenchmark(),
          new PoolBenchmark(),
          new StatesBenchmark(),
          new CommandBenchmark(),
          new OutputBenchmark(),
          new FileBenchmark(),
          new ProxyBenchmark(),
          new ServerBenchmark(),
          new BurstBenchmark(20),
          new BurstBenchmark(50),
          new BurstBenchmark(100),
          new ExecdBenchmark(),
          new ExecdTrafficBenchmark(),
          new ServerReadyBenchmark(),
          new Server500Benchmark(),
          new ServerGrowthBenchmark(),
          new IdleWebSocketsBenchmark(),
          new CodeBenchmark());

  private Main() {}

  /// Starts the program; ends with status 1 when a benchmark had failures, 2 for a wrong command
  /// line.
  ///
  /// @param arguments see `bench/run --help`
  public static void main(String[] arguments) throws IOException {
    Options options;
    try {
      options = Options.parse(List.of(arguments), ALL.stream().map(Benchmark::name).toList());
    } catch (IllegalArgumentException e) {
      System.err.println("bench: " + e.getMessage());
      System.exit(2);
      return;
    }
    var clean = true;
    try (var server = new Server(options.target(), options.key());
        var json = jsonLines(options)) {
      var target =
          new Target(
              server,
              options.image(),
              Engine.find(Path.of("/var/run/docker.sock")),
              options.execd(),
              options.server(),
              options.quick());
      var results = new ArrayList<Result>();
      for (var benchmark : ALL) {
        if (options.wants(benchmark)) {
          System.err.println("bench: " + benchmark.name());
          for (var result : measure(benchmark, target)) {
            results.add(result);
            json.println(result.json());
            json.flush();
            clean &= result.failures() == 0;
          }
        }
      }
      Table.print(results, System.out);
    }
    System.exit(clean ? 0 : 1);
  }

  // A benchmark that cannot run is a line of the report with its failure, and the others still run.
  private static List<Result> measure(Benchmark benchmark, Target target) {
    try {
      return benchmark.run(target);
    } catch (RuntimeException e) {
      System.err.println("bench: " + benchmark.name() + ": " + e);
      return List.of(new Result(benchmark.name(), 1, 1, Map.of()));
    }
  }

  private static PrintWriter jsonLines(Options options) throws IOException {
    return options.json().isPresent()
        ? new PrintWriter(
            Files.newBufferedWriter(options.json().get(), StandardCharsets.UTF_8), false)
        : new PrintWriter(System.out, true, StandardCharsets.UTF_8) {
          @Override
          public void close() {
            flush(); // stdout stays open for the table
          }
        };
  }
}
