package io.opensandbox.server.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.protocol.lifecycle.PoolCapacity;
import io.opensandbox.server.sandbox.Members;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlanTest {
  @ParameterizedTest(name = "buffer {0}-{1}, pool {2}-{3}, {4} idle, {5} claimed: +{6} -{7}")
  @CsvSource({
    // The worked values of the contract's operator.
    "1, 1, 0, 2, 0, 0, 1, 0",
    "2, 2, 0, 2, 1, 0, 1, 0",
    "3, 3, 0, 2, 0, 0, 2, 0",
    "0, 0, 0, 2, 0, 0, 0, 0",
    "0, 0, 1, 2, 0, 0, 1, 0",
    // Within the bounds nothing happens.
    "1, 3, 0, 10, 1, 4, 0, 0",
    "1, 3, 0, 10, 3, 4, 0, 0",
    // Out of them the middle is wanted.
    "2, 4, 0, 10, 1, 0, 2, 0",
    "2, 4, 0, 10, 6, 0, 0, 3",
    // The pool's maximum counts claimed ones.
    "2, 2, 0, 5, 0, 4, 1, 0",
    "2, 2, 0, 5, 0, 5, 0, 0",
    "2, 2, 0, 5, 0, 9, 0, 0",
    // A lower maximum takes away what nobody has claimed, and nothing else.
    "2, 2, 0, 5, 2, 5, 0, 2",
    "2, 2, 0, 0, 2, 0, 0, 2",
    // The minimum counts claimed ones too.
    "0, 0, 3, 10, 0, 2, 1, 0",
    "0, 0, 3, 10, 0, 5, 0, 0",
    "0, 1, 3, 10, 3, 0, 0, 0",
    // Numbers at their limit do not overflow.
    "2147483647, 2147483647, 0, 2, 0, 0, 2, 0",
    "2147483647, 2147483647, 0, 2147483647, 0, 5, 2147483642, 0",
  })
  void decidesFromNumbersAlone(
      int bufferMin,
      int bufferMax,
      int poolMin,
      int poolMax,
      int idle,
      int claimed,
      int grow,
      int shrink) {
    var capacity = new PoolCapacity(bufferMax, bufferMin, poolMax, poolMin);

    assertThat(Plan.of(capacity, new Members.Counts(0, idle, claimed)))
        .isEqualTo(new Plan(grow, shrink));
    assertThat(Plan.of(capacity, new Members.Counts(idle, 0, claimed)))
        .isEqualTo(new Plan(grow, shrink));
  }
}
