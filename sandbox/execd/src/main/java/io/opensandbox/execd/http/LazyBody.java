package io.opensandbox.execd.http;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// The body of a response whose size is not known beforehand: a small one is sent whole with its
/// length when it is closed, a larger one is streamed from the moment it outgrows the buffer. As
/// long as nothing was sent, a failure still becomes an ordinary error response.
public final class LazyBody extends OutputStream {
  private static final int INITIAL_BYTES = 1024;
  private static final int MAX_BYTES = 64 * 1024;

  private final Exchange exchange;
  private final int status;
  private final Headers headers;
  private byte[] buffer = new byte[INITIAL_BYTES];
  private int size;
  private @Nullable OutputStream stream;

  /// A body that has not begun.
  public LazyBody(Exchange exchange, int status, Headers headers) {
    this.exchange = exchange;
    this.status = status;
    this.headers = headers;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    if (stream == null && length > MAX_BYTES - size) {
      OutputStream started = exchange.startStream(status, headers, OptionalLong.empty());
      started.write(buffer, 0, size);
      stream = started;
    }
    if (stream != null) {
      stream.write(bytes, offset, length);
      return;
    }
    if (buffer.length - size < length) {
      buffer = Arrays.copyOf(buffer, Math.max(size + length, buffer.length * 2));
    }
    System.arraycopy(bytes, offset, buffer, size, length);
    size += length;
  }

  /// Ends the response. Not called after a failure, so that the failure is what is answered.
  @Override
  public void close() throws IOException {
    if (stream == null) {
      exchange.respond(status, headers, Arrays.copyOf(buffer, size));
    } else {
      stream.close();
    }
  }
}
