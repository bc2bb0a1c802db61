package io.opensandbox.execd.event;

import java.io.IOException;

/// Takes batches of events as they are on the wire.
public interface EventSink {
  /// Takes the next bytes. The array may be used again after the call.
  ///
  /// @param events how many events end in these bytes
  /// @param open whether the last event goes on in the next batch
  void accept(byte[] bytes, int length, int events, boolean open) throws IOException;

  /// Told of the event that says how the work has ended, before its bytes come.
  default void ended(boolean success) {}
}
