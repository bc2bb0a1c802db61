package io.opensandbox.execd.hibernate;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(180)
class HibernationTest {
  private static final Duration AFTER = Duration.ofMillis(20);

  private final FakeActivity activity = new FakeActivity();

  @Test
  void leavesWhenIdleLongEnough_savedAndRetired() throws InterruptedException {
    new Hibernation(activity, AFTER).await();

    assertThat(activity.calls).isEqualTo(List.of("retire", "save"));
  }

  @Test
  void waitsForTheIdleTime() throws InterruptedException {
    activity.idleTimes.addAll(List.of(Duration.ZERO, Duration.ofMillis(19)));

    new Hibernation(activity, AFTER).await();

    assertThat(activity.idleTimes).isEmpty();
    assertThat(activity.calls).isEqualTo(List.of("retire", "save"));
  }

  @Test
  void staysWhileBusyOrConnected() throws InterruptedException {
    activity.busy = List.of(true, false, false, false);
    activity.connected = 1;

    new Hibernation(activity, AFTER).await();

    assertThat(activity.calls).isEqualTo(List.of("retire refused", "retire", "save"));
  }

  @Test
  void lastMomentWorkOpensTheDoorAgain() throws InterruptedException {
    activity.busy = List.of(false, true, false, false);

    new Hibernation(activity, AFTER).await();

    assertThat(activity.calls).isEqualTo(List.of("retire", "resume", "retire", "save"));
  }

  @Test
  void failedSaveKeepsItAwake() throws InterruptedException {
    activity.failedSaves = 1;

    new Hibernation(activity, AFTER).await();

    assertThat(activity.calls)
        .isEqualTo(List.of("retire", "save failed", "resume", "retire", "save"));
  }

  @Test
  void zeroMeansNever() throws InterruptedException {
    var left = new CountDownLatch(1);
    Thread waiting =
        Thread.startVirtualThread(() -> {
          try {
            new Hibernation(activity, Duration.ZERO).await();
            left.countDown();
          } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
          }
        });

    assertThat(left.await(200, TimeUnit.MILLISECONDS)).isFalse();
    waiting.interrupt();
    waiting.join();
  }

  /// Idle, quiet and willing unless told otherwise; writes down what it is asked.
  private static final class FakeActivity implements Activity {
    private final List<Duration> idleTimes = new ArrayList<>();
    private final List<String> calls = new ArrayList<>();
    private List<Boolean> busy = List.of();
    private int looks;
    private int connected;
    private int failedSaves;

    @Override
    public Duration idleTime() {
      return idleTimes.isEmpty() ? Duration.ofHours(1) : idleTimes.removeFirst();
    }

    @Override
    public boolean isBusy() {
      return looks < busy.size() && busy.get(looks++);
    }

    @Override
    public boolean retire() {
      boolean refused = connected-- > 0;
      calls.add(refused ? "retire refused" : "retire");
      return !refused;
    }

    @Override
    public void resume() {
      calls.add("resume");
    }

    @Override
    public boolean save() {
      boolean failed = failedSaves-- > 0;
      calls.add(failed ? "save failed" : "save");
      return !failed;
    }
  }
}
