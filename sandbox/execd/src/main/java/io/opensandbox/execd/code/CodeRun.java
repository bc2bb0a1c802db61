package io.opensandbox.execd.code;

import io.opensandbox.execd.event.EventBuffer;
import io.opensandbox.execd.event.EventStream;
import io.opensandbox.execd.event.TextKind;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.kernel.Execution;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Turns what a kernel gives into events, each sent at once. When the client has gone the events
/// are dropped and the code runs on, as the contract has it.
final class CodeRun implements Execution {
  private static final byte[] NOTHING = {};
  private static final int MAX_TEXT_BYTES = 256 * 1024;
  private static final int TEXT_PIECE_BYTES = 16 * 1024;

  private final EventStream stream;
  private final EventBuffer events;
  private final Clock clock;
  private final long outputLimitBytes;
  private final long startMillis;
  private long outputBytes;
  private boolean isCut;

  /// Sends `init` and the first ping.
  ///
  /// @param outputLimitBytes output of the run beyond this is dropped, with a notice
  CodeRun(EventStream stream, String id, Clock clock, long outputLimitBytes) throws IOException {
    this.stream = stream;
    this.events = new EventBuffer(clock, stream);
    this.clock = clock;
    this.outputLimitBytes = outputLimitBytes;
    this.startMillis = clock.millis();
    events.init(id);
    events.ping();
    events.flush();
  }

  @Override
  public void output(Stream source, String text) throws IOException {
    if (isCut) {
      return;
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    long left = outputLimitBytes - outputBytes;
    boolean fits = bytes.length <= left;
    byte[] shown = fits ? bytes : Arrays.copyOf(bytes, characterStart(bytes, (int) left));
    outputBytes += shown.length;
    show(source == Stream.STDERR ? TextKind.STDERR : TextKind.STDOUT, shown);
    if (!fits) {
      cut();
    }
  }

  /// Sends text verbatim; text that a client's JSON reader may find too long, as several events.
  private void show(TextKind kind, byte[] text) throws IOException {
    int most = text.length > MAX_TEXT_BYTES ? TEXT_PIECE_BYTES : MAX_TEXT_BYTES;
    int start = 0;
    while (start < text.length) {
      int end = text.length - start > most ? characterStart(text, start + most) : text.length;
      events.output(kind, Arrays.copyOfRange(text, start, end));
      events.flush();
      start = end;
    }
  }

  /// Where the character begins that has a byte at `index`.
  private static int characterStart(byte[] utf8, int index) {
    int start = index;
    while (start > 0 && (utf8[start] & 0xc0) == 0x80) {
      start--;
    }
    return start;
  }

  @Override
  public void result(long executionCount, JsonObject bundle) throws IOException {
    result(executionCount, ResultBundle.of(bundle));
  }

  /// A result whose values are text already.
  void result(long executionCount, Map<String, String> results) throws IOException {
    if (executionCount > 0) {
      events.executionCount(executionCount);
    }
    events.result(results);
    events.flush();
  }

  @Override
  public void cut() throws IOException {
    if (!isCut) {
      isCut = true;
      String notice =
          "[execd] output of this run is cut: it is larger than %d bytes, or than %d bytes at once\n"
              .formatted(outputLimitBytes, MAX_PIECE_BYTES);
      events.output(TextKind.STDERR, notice.getBytes(StandardCharsets.UTF_8));
      events.flush();
    }
  }

  @Override
  public void error(String name, String value, List<String> traceback) throws IOException {
    events.error(name, value, traceback);
    finish();
  }

  @Override
  public void complete() throws IOException {
    events.complete(clock.millis() - startMillis);
    finish();
  }

  private void finish() throws IOException {
    events.flush();
    stream.end(NOTHING, 0);
  }
}
