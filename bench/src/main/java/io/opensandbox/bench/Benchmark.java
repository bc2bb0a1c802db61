package io.opensandbox.bench;

import java.util.List;

/// One thing to measure.
interface Benchmark {
  /// What `--only` calls it.
  String name();

  /// Measures; deletes what it made.
  List<Result> run(Target target);
}
