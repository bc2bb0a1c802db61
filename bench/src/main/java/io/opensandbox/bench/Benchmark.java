package io.opensandbox.bench;

import java.util.List;

/// One thing to measure.
interface Benchmark {
  /// What `--only` calls it.
  String name();

  /// Whether it runs only when `--only` names it.
  default boolean isOnDemand() {
    return false;
  }

  /// Measures; deletes what it made.
  List<Result> run(Target target);
}
