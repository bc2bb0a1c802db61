package io.opensandbox.server.proxy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.io.AbstractConnection;
import org.eclipse.jetty.io.ByteBufferPool;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.RetainableByteBuffer;
import org.eclipse.jetty.util.Blocker;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.thread.Scheduler;

/// A client's connection after it became a tunnel to a sandbox: bytes pass unread, each direction
/// at the pace of its slower side.
///
/// A silent tunnel costs a parked virtual thread with a small buffer, and on the client's side
/// nothing but the registration with the selector. When one side ends, the other has a moment to
/// say its last words; then both are closed.
final class Tunnel extends AbstractConnection implements Connection.UpgradeTo {
  private static final int FLOWING_BYTES = 64 * 1024;
  private static final int TRICKLING_BYTES = 2 * 1024;
  private static final long LINGER_SECONDS = 5;

  private final Scheduler scheduler;
  private final ByteBufferPool buffers;
  private final Upstream upstream;

  /// Sides that have ended. Guarded by this.
  private int ended;

  private ByteBuffer early = BufferUtil.EMPTY_BUFFER;

  /// @param upstream after its handshake; closed with the tunnel
  Tunnel(
      EndPoint endPoint,
      Executor executor,
      Scheduler scheduler,
      ByteBufferPool buffers,
      Upstream upstream) {
    super(endPoint, executor);
    this.scheduler = scheduler;
    this.buffers = buffers;
    this.upstream = upstream;
  }

  @Override
  public void onUpgradeTo(ByteBuffer bytes) {
    early = BufferUtil.copy(bytes);
  }

  @Override
  public void onOpen() {
    super.onOpen();
    Thread.ofVirtual().name("tunnel").start(this::copyToClient);
    if (early.hasRemaining()) {
      getExecutor().execute(this::sendEarly);
    } else {
      fillInterested();
    }
  }

  /// Copies what the client has sent to the sandbox.
  @Override
  public void onFillable() {
    var pooled = buffers.acquire(FLOWING_BYTES, true);
    try {
      if (copyToSandbox(pooled.getByteBuffer())) {
        fillInterested();
      } else {
        upstream.shutdownOutput();
        sideEnded();
      }
    } catch (IOException _) {
      closeBoth(); // one side is gone, and a tunnel has nobody to tell it
    } finally {
      pooled.release();
    }
  }

  @Override
  public void onFillInterestedFailed(Throwable cause) {
    closeBoth();
  }

  @Override
  public void onClose(Throwable cause) {
    super.onClose(cause);
    upstream.close();
  }

  private void sendEarly() {
    try {
      upstream.write(early);
      early = BufferUtil.EMPTY_BUFFER;
      fillInterested();
    } catch (IOException _) {
      closeBoth(); // the sandbox is gone
    }
  }

  /// Whether the client may send more.
  private boolean copyToSandbox(ByteBuffer buffer) throws IOException {
    BufferUtil.clear(buffer);
    int count = getEndPoint().fill(buffer);
    while (count > 0) {
      upstream.write(buffer);
      BufferUtil.clear(buffer);
      count = getEndPoint().fill(buffer);
    }
    return count == 0;
  }

  private void copyToClient() {
    var blocker = new Blocker.Shared();
    try {
      write(blocker, upstream.leftover());
      var small = ByteBuffer.allocate(TRICKLING_BYTES);
      while (copyTrickle(blocker, small)) {
        copyFlow(blocker);
      }
      getEndPoint().shutdownOutput();
      sideEnded();
    } catch (IOException _) {
      closeBoth(); // one side is gone, and a tunnel has nobody to tell it
    }
  }

  /// Copies small pieces until a large one comes (true) or the sandbox ends (false).
  private boolean copyTrickle(Blocker.Shared blocker, ByteBuffer small) throws IOException {
    while (upstream.read(small.clear()) >= 0) {
      boolean full = !small.hasRemaining();
      write(blocker, small.flip());
      if (full) {
        return true;
      }
    }
    return false;
  }

  /// Copies large pieces until they get small.
  private void copyFlow(Blocker.Shared blocker) throws IOException {
    RetainableByteBuffer pooled = buffers.acquire(FLOWING_BYTES, true);
    try {
      var buffer = pooled.getByteBuffer();
      int count = upstream.read(buffer.clear());
      while (count >= 0) {
        write(blocker, buffer.flip());
        if (count < TRICKLING_BYTES) {
          return;
        }
        count = upstream.read(buffer.clear());
      }
    } finally {
      pooled.release();
    }
  }

  private void write(Blocker.Shared blocker, ByteBuffer bytes) throws IOException {
    if (bytes.hasRemaining()) {
      try (var callback = blocker.callback()) {
        getEndPoint().write(callback, bytes);
        callback.block();
      }
    }
  }

  private void sideEnded() {
    boolean both;
    synchronized (this) {
      ended++;
      both = ended == 2;
    }
    if (both) {
      closeBoth();
    } else {
      scheduler.schedule(this::closeBoth, LINGER_SECONDS, TimeUnit.SECONDS);
    }
  }

  private void closeBoth() {
    upstream.close();
    close();
  }
}
