package io.opensandbox.execd.code;

import io.opensandbox.execd.kernel.Kernel;
import io.opensandbox.execd.kernel.KernelSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Keeps one started kernel of one language in reserve, so that a context of it costs milliseconds.
/// The next one is started when the reserve was taken. Other languages and contexts with a
/// directory of their own are started when they are asked for.
///
/// A kernel keeps the environment that it was started with. One that was started before the
/// environment changed, say before the image's start script chose a version of the language, is
/// replaced and never given away.
public final class WarmKernels implements KernelSource, AutoCloseable {
  /// An environment that changes faster than kernels start is left to whoever asks for a kernel.
  private static final int MAX_STARTS = 5;

  private final KernelSource source;
  private final String language;
  private final Supplier<Map<String, String>> environment;

  // Guarded by this; null before start and after close.
  private @Nullable CompletableFuture<Reserve> reserve;
  private boolean isClosed;

  /// Nothing is started before [#warm].
  ///
  /// @param environment that a kernel started now would have
  public WarmKernels(
      KernelSource source, String language, Supplier<Map<String, String>> environment) {
    this.source = source;
    this.language = language;
    this.environment = environment;
  }

  /// Starts the reserve in the background; a failure is seen, again, by whoever asks for a kernel.
  public synchronized void warm() {
    if (isClosed || reserve != null) {
      return;
    }
    CompletableFuture<Reserve> started = new CompletableFuture<>();
    reserve = started;
    Thread.ofVirtual()
        .name("warm-kernel")
        .start(() -> {
          try {
            started.complete(start());
          } catch (IOException | RuntimeException e) {
            started.completeExceptionally(e);
          }
        });
  }

  @Override
  public Kernel open(String wanted, @Nullable Path directory) throws IOException {
    if (wanted.equals(language) && directory == null) {
      Kernel kernel = take();
      if (kernel != null) {
        return kernel;
      }
    }
    return source.open(wanted, directory);
  }

  @Override
  public void close() {
    CompletableFuture<Reserve> last;
    synchronized (this) {
      isClosed = true;
      last = reserve;
      reserve = null;
    }
    if (last != null) {
      var _ = last.thenAccept(unused -> unused.kernel().close());
    }
  }

  /// Starts kernels until the environment stayed as it was during the start.
  private Reserve start() throws IOException {
    Reserve started = startOnce();
    for (int starts = 1; starts < MAX_STARTS && !isCurrent(started); starts++) {
      started.kernel().close();
      started = startOnce();
    }
    return started;
  }

  private Reserve startOnce() throws IOException {
    Map<String, String> before = environment.get();
    return new Reserve(source.open(language, null), before);
  }

  private boolean isCurrent(Reserve started) {
    return started.environment().equals(environment.get());
  }

  /// The reserve when it is there, alive and current; one that is still starting is waited for,
  /// since that is sooner than a new one.
  private @Nullable Kernel take() {
    CompletableFuture<Reserve> taken;
    synchronized (this) {
      taken = reserve;
      reserve = null;
    }
    if (taken == null) {
      warm();
      return null;
    }
    try {
      Reserve candidate = taken.get();
      warm();
      Kernel kernel = candidate.kernel();
      if (kernel.isAlive() && isCurrent(candidate)) {
        return kernel;
      }
      // Whoever asked need not wait until it has ended.
      Thread.ofVirtual().name("warm-kernel-end").start(kernel::close);
      return null;
    } catch (ExecutionException _) {
      // The caller starts one itself and gets the reason then.
      return null;
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return null;
    }
  }

  /// A started kernel and the environment when its start began.
  private record Reserve(Kernel kernel, Map<String, String> environment) {}
}
