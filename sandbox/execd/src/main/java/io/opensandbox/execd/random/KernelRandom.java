package io.opensandbox.execd.random;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// Random numbers that nobody can guess, from `/dev/urandom`. The JDK's `SecureRandom` reads the
/// same device, after some 10 ms in which it sets up the security providers; a daemon that is
/// started with each sandbox does not have these. Safe for many threads.
public final class KernelRandom implements RandomGenerator {
  private static final int READ_AHEAD = 256;
  private static final String DEVICE = "/dev/urandom";

  private final ByteBuffer ahead = ByteBuffer.allocate(READ_AHEAD).limit(0);
  private @Nullable FileInputStream device;

  /// Opens the device, while there are descriptors; or later, when there are none now.
  public KernelRandom() {
    try {
      device = new FileInputStream(DEVICE);
    } catch (IOException _) {
      device = null; // the first number tells
    }
  }

  /// @throws UncheckedIOException when the device cannot be read
  @Override
  public synchronized long nextLong() {
    if (ahead.remaining() < Long.BYTES) {
      fill();
    }
    return ahead.getLong();
  }

  // The descriptor stays open for the life of the daemon: the next id must not fail for want of
  // one.
  private void fill() {
    try {
      if (device == null) {
        device = new FileInputStream(DEVICE);
      }
      if (device.readNBytes(ahead.array(), 0, READ_AHEAD) < READ_AHEAD) {
        throw new IOException(DEVICE + " ends");
      }
    } catch (IOException e) {
      throw new UncheckedIOException("there are no random numbers", e);
    }
    ahead.clear();
  }
}
