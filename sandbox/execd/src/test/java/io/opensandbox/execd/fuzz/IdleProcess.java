package io.opensandbox.execd.fuzz;

import io.opensandbox.execd.process.ExitStatus;
import io.opensandbox.execd.process.OutputHandler;
import io.opensandbox.execd.process.ProcessSpec;
import io.opensandbox.execd.process.RunningProcess;
import io.opensandbox.execd.process.Signal;
import io.opensandbox.execd.process.SignalTarget;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Stands for a process, so that nothing that was made up at random is run: a terminal stays until
/// it is closed, anything else ends at once.
final class IdleProcess implements RunningProcess {
  private static final ExitStatus SUCCESS = new ExitStatus(0, 0, false, 0);

  private final CountDownLatch end;

  IdleProcess(ProcessSpec spec) {
    end = new CountDownLatch(spec.stdio() instanceof ProcessSpec.Terminal ? 1 : 0);
  }

  @Override
  public long awaitStart() {
    return 1;
  }

  @Override
  public ExitStatus drain(OutputHandler handler) {
    try {
      end.await();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
    return SUCCESS;
  }

  @Override
  public void signal(Signal signal, SignalTarget target) {
    if (signal == Signal.KILL) {
      end.countDown();
    }
  }

  @Override
  public void endGroup(Duration grace) {
    end.countDown();
  }

  @Override
  public boolean awaitExit(Duration limit) {
    try {
      return end.await(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public void write(byte[] bytes, int offset, int length) {}

  @Override
  public void closeInput() {}

  @Override
  public void resize(int rows, int columns) {}

  @Override
  public void close() {
    end.countDown();
  }
}
