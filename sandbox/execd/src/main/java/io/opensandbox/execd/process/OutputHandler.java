package io.opensandbox.execd.process;

import java.io.IOException;

/// Takes what a process writes, in order, on the thread that drains it. A slow handler slows the
/// process down. The array belongs to the caller and is valid during the call only.
public interface OutputHandler {
  /// Bytes of stdout, of the terminal, or of both streams when merged; never empty.
  void stdout(byte[] buffer, int offset, int length) throws IOException;

  /// Bytes of stderr; never empty.
  void stderr(byte[] buffer, int offset, int length) throws IOException;

  /// Bytes written to the state descriptor; never empty.
  default void state(byte[] buffer, int offset, int length) throws IOException {
    throw new IOException("state bytes from a process that has no state descriptor");
  }

  /// Nothing more is waiting right now: the moment to pass on what was collected.
  default void idle() throws IOException {}
}
