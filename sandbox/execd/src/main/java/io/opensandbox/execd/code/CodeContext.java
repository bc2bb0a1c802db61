package io.opensandbox.execd.code;

import io.opensandbox.execd.kernel.Execution;
import io.opensandbox.execd.kernel.Kernel;
import io.opensandbox.execd.kernel.KernelSource;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Code with state. Its kernel may die and be replaced; the context and its id stay.
final class CodeContext implements AutoCloseable {
  private final String id;
  private final String language;
  private final @Nullable Path directory;
  private final KernelSource kernels;

  // Guarded by this.
  private Kernel kernel;
  private boolean isClosed;

  CodeContext(
      String id, String language, @Nullable Path directory, KernelSource kernels, Kernel kernel) {
    this.id = id;
    this.language = language;
    this.directory = directory;
    this.kernels = kernels;
    this.kernel = kernel;
  }

  String id() {
    return id;
  }

  String language() {
    return language;
  }

  @Nullable Path directory() {
    return directory;
  }

  /// Runs code, in a new kernel when the last one died.
  ///
  /// @return false, without any event, when the context is running something else
  boolean run(String code, Execution execution) throws IOException {
    return liveKernel().run(code, execution);
  }

  boolean isBusy() {
    synchronized (this) {
      return kernel.isBusy();
    }
  }

  void interrupt() throws IOException {
    Kernel target;
    synchronized (this) {
      target = kernel;
    }
    target.interrupt();
  }

  @Override
  public void close() {
    Kernel target;
    synchronized (this) {
      isClosed = true;
      target = kernel;
    }
    target.close();
  }

  private synchronized Kernel liveKernel() throws IOException {
    if (isClosed) {
      throw new IOException("context " + id + " was deleted");
    }
    if (!kernel.isAlive() && !kernel.isBusy()) {
      kernel.close();
      kernel = kernels.open(language, directory);
    }
    return kernel;
  }
}
