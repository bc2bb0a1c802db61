package io.opensandbox.execd.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FrameReaderTest {
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void framesSurviveAnyCuttingOfTheStream(long seed) throws IOException {
    var random = new Random(seed);
    List<byte[]> payloads = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      var payload = new byte[random.nextInt(4) == 0 ? random.nextInt(65537) : random.nextInt(50)];
      random.nextBytes(payload);
      payloads.add(payload);
    }
    var reader = new FrameReader(new CuttingChannel(frames(payloads), random));

    for (byte[] expected : payloads) {
      assertThat(reader.next()).isEqualTo('O');
      var actual = new byte[reader.length()];
      reader.payload().get(actual);
      reader.consume();
      assertThat(actual).isEqualTo(expected);
    }

    assertThatThrownBy(reader::next).isInstanceOf(EOFException.class);
  }

  @Test
  void refusesFrameBeyondTheLimit() {
    byte[] header = {'O', 0, 1, 0, 1};
    var reader = new FrameReader(new CuttingChannel(header, new Random(1)));

    assertThatThrownBy(reader::next).hasMessageContaining("65537 bytes");
  }

  private static byte[] frames(List<byte[]> payloads) throws IOException {
    var bytes = new ByteArrayOutputStream();
    var out = new DataOutputStream(bytes);
    for (byte[] payload : payloads) {
      out.write('O');
      out.writeInt(payload.length);
      out.write(payload);
    }
    return bytes.toByteArray();
  }

  /// Gives the bytes in pieces of random size.
  private static final class CuttingChannel implements ReadableByteChannel {
    private final ByteBuffer bytes;
    private final Random random;

    CuttingChannel(byte[] bytes, Random random) {
      this.bytes = ByteBuffer.wrap(bytes);
      this.random = random;
    }

    @Override
    public int read(ByteBuffer target) {
      if (!bytes.hasRemaining()) {
        return -1;
      }
      int most = Math.min(target.remaining(), bytes.remaining());
      int count = 1 + random.nextInt(random.nextBoolean() ? Math.min(most, 7) : most);
      target.put(bytes.slice(bytes.position(), count));
      bytes.position(bytes.position() + count);
      return count;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
