package io.opensandbox.execd.kernel;

import java.io.IOException;

/// There is no kernel for a language.
public final class NoKernelException extends IOException {
  private static final long serialVersionUID = 1L;

  NoKernelException(String message) {
    super(message);
  }
}
