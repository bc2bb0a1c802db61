package io.opensandbox.execd.code;

import io.opensandbox.execd.kernel.Kernel;
import io.opensandbox.execd.kernel.KernelSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/// Keeps one started kernel of one language in reserve, so that a context of it costs milliseconds.
/// The next one is started when the reserve was taken. Other languages and contexts with a
/// directory of their own are started when they are asked for.
public final class WarmKernels implements KernelSource, AutoCloseable {
  private final KernelSource source;
  private final String language;

  // Guarded by this; null before start and after close.
  private @Nullable CompletableFuture<Kernel> reserve;
  private boolean isClosed;

  /// Nothing is started before [#warm].
  public WarmKernels(KernelSource source, String language) {
    this.source = source;
    this.language = language;
  }

  /// Starts the reserve in the background; a failure is seen, again, by whoever asks for a kernel.
  public synchronized void warm() {
    if (isClosed || reserve != null) {
      return;
    }
    CompletableFuture<Kernel> started = new CompletableFuture<>();
    reserve = started;
    Thread.ofVirtual()
        .name("warm-kernel")
        .start(() -> {
          try {
            started.complete(source.open(language, null));
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
    CompletableFuture<Kernel> last;
    synchronized (this) {
      isClosed = true;
      last = reserve;
      reserve = null;
    }
    if (last != null) {
      var _ = last.thenAccept(Kernel::close);
    }
  }

  /// The reserve when it is there and alive; one that is still starting is waited for, since that
  /// is sooner than a new one.
  private @Nullable Kernel take() {
    CompletableFuture<Kernel> taken;
    synchronized (this) {
      taken = reserve;
      reserve = null;
    }
    if (taken == null) {
      warm();
      return null;
    }
    try {
      Kernel kernel = taken.get();
      warm();
      if (kernel.isAlive()) {
        return kernel;
      }
      kernel.close();
      return null;
    } catch (ExecutionException _) {
      // The caller starts one itself and gets the reason then.
      return null;
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return null;
    }
  }
}
