package io.opensandbox.execd.log;

import java.io.IOException;

/// Where lines go. For one thread.
interface LogSink {
  void write(byte[] line) throws IOException;
}
