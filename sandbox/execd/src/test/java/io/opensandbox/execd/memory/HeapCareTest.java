package io.opensandbox.execd.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HeapCareTest {
  private static final long MIB = 1 << 20;

  @ParameterizedTest
  @CsvSource({
    "0, 0, false",
    "3, 0, false",
    "5, 0, true",
    "3, 900, false",
    "3, 1000, true",
    "0, 5000, false"
  })
  void collectsWhenMuchHasComeOrNothingHappens(long grownMib, long idleMillis, boolean collects) {
    var heap = new FakeHeap();
    var care = new HeapCare(heap, () -> Duration.ofMillis(idleMillis));
    heap.used += grownMib * MIB;

    care.look();
    care.look();

    assertThat(heap.collections).isEqualTo(collects ? 1 : 0);
  }

  private static final class FakeHeap implements HeapCare.Heap {
    private static final long LIVE = 3 * MIB;

    long used = LIVE;
    int collections;

    @Override
    public long usedBytes() {
      return used;
    }

    @Override
    public void collect() {
      used = LIVE;
      collections++;
    }
  }
}
