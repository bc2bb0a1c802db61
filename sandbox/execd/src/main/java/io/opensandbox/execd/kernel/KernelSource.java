package io.opensandbox.execd.kernel;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Starts kernels; [DirectKernels] or [JupyterServer].
public interface KernelSource {
  /// Starts a kernel for a language and returns when it answers.
  ///
  /// @param language as in the API, for example `python`
  /// @param directory the kernel's working directory, which exists; null for the daemon's
  /// @throws NoKernelException when nothing is installed for the language
  /// @throws IOException when the kernel could not be started or did not answer in time
  Kernel open(String language, @Nullable Path directory) throws IOException;
}
