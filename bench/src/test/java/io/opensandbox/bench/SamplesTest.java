package io.opensandbox.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class SamplesTest {
  private final Samples samples = new Samples();

  @Test
  void percentiles_areByNearestRank() {
    for (int i = 100; i >= 1; i--) {
      samples.add(Duration.ofMillis(i));
    }

    assertThat(samples.percentile(50)).contains(Duration.ofMillis(50));
    assertThat(samples.percentile(99)).contains(Duration.ofMillis(99));
    assertThat(samples.percentile(100)).contains(Duration.ofMillis(100));
  }

  @Test
  void oneSample_isEveryPercentile() {
    samples.add(Duration.ofMillis(7));

    assertThat(samples.percentile(50)).contains(Duration.ofMillis(7));
    assertThat(samples.percentile(99)).contains(Duration.ofMillis(7));
  }

  @Test
  void failures_stayInTheDenominator() {
    for (int i = 1; i <= 98; i++) {
      samples.add(Duration.ofMillis(i));
    }
    samples.fail();
    samples.fail();

    assertThat(samples.count()).isEqualTo(100);
    assertThat(samples.percentile(50)).contains(Duration.ofMillis(50));
    assertThat(samples.percentile(98)).contains(Duration.ofMillis(98));
    assertThat(samples.percentile(99)).isEmpty();
  }

  @Test
  void nothingMeasured_hasNoPercentile() {
    assertThat(samples.percentile(50)).isEmpty();
  }

  @Test
  void measure_countsWhatThrows() {
    samples.measure(() -> {
      throw new IllegalStateException("expected by the test");
    });

    assertThat(samples.failures()).isEqualTo(1);
  }
}
