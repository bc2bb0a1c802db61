package io.opensandbox.execd.kernel;

import java.io.IOException;
import java.time.Duration;

/// A pipe of messages to and from one kernel process. The owner calls [#start] once.
interface KernelConnection extends AutoCloseable {
  /// What names the kernel: the Jupyter server's session, or a random UUID.
  String id();

  /// Delivers every message from now on, on threads of the connection, those of one channel in
  /// order. `onEnd` is called once, when the kernel died or the connection broke.
  void start(MessageHandler handler);

  /// Sends a request; blocks while the kernel does not read.
  ///
  /// @throws IOException when the connection is gone
  void send(Request request) throws IOException;

  /// Interrupts what the kernel runs.
  void interrupt(Requests requests) throws IOException;

  /// Whether messages can still come.
  boolean isOpen();

  /// Ends the kernel: asks first, kills after `grace`.
  void shutDown(Requests requests, Duration grace) throws IOException;

  /// Drops the connection; a kernel of ours is killed.
  @Override
  void close();

  /// Receives what comes from the kernel.
  interface MessageHandler {
    /// Takes the next message; may block, which slows the kernel down.
    void message(Message message);

    /// Takes the end.
    ///
    /// @param reason for people, for example `the kernel was killed by signal 9`
    void end(String reason);
  }
}
