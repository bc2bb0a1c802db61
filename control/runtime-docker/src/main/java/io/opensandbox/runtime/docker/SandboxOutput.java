package io.opensandbox.runtime.docker;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.docker.engine.Engine;
import io.opensandbox.runtime.docker.engine.EngineException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;

/// What the first process of a sandbox wrote. The engine sends frames: one byte stream, three bytes
/// nothing, four bytes length, payload.
final class SandboxOutput {
  private static final int MAX_BYTES = 16 * 1024 * 1024;
  private static final int HEADER_BYTES = 8;

  private final Engine engine;
  private final Clock clock;

  SandboxOutput(Engine engine, Clock clock) {
    this.engine = engine;
    this.clock = clock;
  }

  String read(String id, int tail, Optional<Duration> since, boolean timestamps) {
    StringBuilder path = new StringBuilder(SandboxIndex.path(id));
    path.append("/logs?stdout=true&stderr=true&tail=").append(tail);
    path.append("&timestamps=").append(timestamps);
    since.ifPresent(
        ago -> path.append("&since=").append(clock.instant().minus(ago).getEpochSecond()));
    try (InputStream frames = engine.open(path.toString())) {
      return text(frames);
    } catch (EngineException e) {
      if (e.isNotFound()) {
        throw SandboxIndex.notFound(id);
      }
      throw failed(id, e.text(), e);
    } catch (IOException e) {
      throw failed(id, String.valueOf(e.getMessage()), e);
    }
  }

  static String text(InputStream frames) throws IOException {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    byte[] header = new byte[HEADER_BYTES];
    int got;
    while ((got = frames.readNBytes(header, 0, HEADER_BYTES)) == HEADER_BYTES) {
      int length = ByteBuffer.wrap(header).getInt(4);
      if (length < 0) {
        throw new IOException("the engine sent a malformed log frame");
      }
      if (length > MAX_BYTES - text.size()) {
        text.writeBytes(frames.readNBytes(MAX_BYTES - text.size()));
        text.writeBytes(
            ("\n(cut after " + MAX_BYTES + " bytes)\n").getBytes(StandardCharsets.UTF_8));
        return text.toString(StandardCharsets.UTF_8);
      }
      byte[] payload = frames.readNBytes(length);
      text.writeBytes(payload);
      if (payload.length < length) {
        throw new IOException("the engine's log ends within a frame");
      }
    }
    if (got != 0) {
      throw new IOException("the engine's log ends within a frame");
    }
    return text.toString(StandardCharsets.UTF_8);
  }

  private static SandboxException failed(String id, String why, Throwable cause) {
    return new SandboxException(
        ErrorCode.SANDBOX_QUERY_FAILED,
        "Failed to read the logs of sandbox \"" + id + "\": " + why,
        cause);
  }
}
