package io.opensandbox.execd.command;

import java.io.IOException;

/// A kind of execution that can be interrupted by its id.
public interface Interruptible {
  /// Interrupts an execution and returns when it is over.
  ///
  /// @return false when there is none of this kind with this id
  /// @throws io.opensandbox.protocol.execd.ExecdException when it cannot be interrupted
  boolean interrupt(String id) throws IOException;
}
