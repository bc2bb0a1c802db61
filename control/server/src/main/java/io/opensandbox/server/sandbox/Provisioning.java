package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.SandboxException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// One create under way: lets its request wait for it, and a delete stop it.
final class Provisioning {
  private final CountDownLatch imageReady = new CountDownLatch(1);
  private final CountDownLatch done = new CountDownLatch(1);
  // The next three are guarded by this.
  private boolean acknowledged;
  private boolean over;
  private @Nullable SandboxException failure;
  private @Nullable Thread worker;
  private boolean cancelled;

  Provisioning(boolean acknowledged) {
    this.acknowledged = acknowledged;
  }

  /// Names the thread that works on it. False when it was cancelled before it began.
  synchronized boolean begin(Thread thread) {
    worker = thread;
    return !cancelled;
  }

  /// Tells it to stop: its thread is interrupted.
  synchronized void cancel() {
    cancelled = true;
    if (worker != null && !over) {
      worker.interrupt();
    }
  }

  synchronized boolean isCancelled() {
    return cancelled;
  }

  void imageIsReady() {
    imageReady.countDown();
  }

  /// Waits for the image, at most `limit`. Also true when everything is over.
  boolean awaitImage(Duration limit) throws InterruptedException {
    return imageReady.await(limit.toMillis(), TimeUnit.MILLISECONDS);
  }

  /// Waits until everything is done and cleaned up, at most `limit`.
  boolean awaitDone(Duration limit) throws InterruptedException {
    return done.await(limit.toMillis(), TimeUnit.MILLISECONDS);
  }

  /// Takes note that the client is told of a sandbox that is still being made. False when it is
  /// over already, so that the client can be told how it ended.
  synchronized boolean acknowledge() {
    if (over) {
      return false;
    }
    acknowledged = true;
    return true;
  }

  /// Ends the time in which it may be acknowledged, and says whether it was.
  synchronized boolean conclude(Optional<SandboxException> error) {
    over = true;
    failure = error.orElse(null);
    // An interrupt that comes too late must not hit the clean-up.
    worker = null;
    return acknowledged;
  }

  /// Lets everybody know that nothing more will happen.
  void finished() {
    imageReady.countDown();
    done.countDown();
  }

  /// Why it failed, once it is over.
  synchronized Optional<SandboxException> failure() {
    return Optional.ofNullable(failure);
  }
}
