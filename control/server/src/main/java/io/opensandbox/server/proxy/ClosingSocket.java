package io.opensandbox.server.proxy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.io.AbstractConnection;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.Callback;

/// A WebSocket that says only why it closes. It waits a moment for the client to take that in.
final class ClosingSocket extends AbstractConnection implements Connection.UpgradeTo {
  private static final int MAX_REASON_BYTES = 123;
  private static final int LINGER_MILLIS = 5000;
  private static final int BUFFER_BYTES = 1024;

  private final ByteBuffer frame;

  /// @param reason shortened to what a close frame holds
  ClosingSocket(EndPoint endPoint, Executor executor, int code, String reason) {
    super(endPoint, executor);
    byte[] text = shorten(reason);
    frame = ByteBuffer.allocate(4 + text.length);
    frame.put((byte) 0x88).put((byte) (2 + text.length)).putShort((short) code).put(text).flip();
  }

  @Override
  public void onUpgradeTo(ByteBuffer early) {
    early.position(early.limit()); // nobody will read what the client had to say
  }

  @Override
  public void onOpen() {
    super.onOpen();
    getEndPoint().setIdleTimeout(LINGER_MILLIS);
    getEndPoint().write(Callback.from(this::sent, this::close), frame);
  }

  @Override
  public void onFillable() {
    try {
      var buffer = BufferUtil.allocate(BUFFER_BYTES);
      int count = getEndPoint().fill(buffer);
      while (count > 0) {
        BufferUtil.clear(buffer);
        count = getEndPoint().fill(buffer);
      }
      if (count < 0) {
        close();
      } else {
        fillInterested();
      }
    } catch (IOException fault) {
      getEndPoint().close(fault);
    }
  }

  @Override
  public boolean onIdleExpired(TimeoutException timeout) {
    close();
    return false;
  }

  private void sent() {
    getEndPoint().shutdownOutput();
    fillInterested();
  }

  private void close(Throwable fault) {
    getEndPoint().close(fault);
  }

  private static byte[] shorten(String reason) {
    byte[] bytes = reason.getBytes(StandardCharsets.UTF_8);
    int length = Math.min(bytes.length, MAX_REASON_BYTES);
    while (length < bytes.length && length > 0 && (bytes[length] & 0xC0) == 0x80) {
      length--;
    }
    return Arrays.copyOf(bytes, length);
  }
}
