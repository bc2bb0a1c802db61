package io.opensandbox.execd.event;

import io.opensandbox.execd.json.JsonWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Collects events in wire form: one JSON object and two line feeds each. A batch goes to the sink
/// when 64 KiB have come together, and on [#flush]. For one thread at a time.
public final class EventBuffer {
  static final int BATCH_BYTES = 64 << 10;
  private static final int FIRST_BYTES = 512;

  private static final byte[] INIT = ascii("{\"type\":\"init\",\"text\":\"");
  private static final byte[] STATUS = ascii("{\"type\":\"status\",\"text\":\"");
  private static final byte[] PING = ascii("{\"type\":\"ping\",\"text\":\"pong");
  private static final byte[] COMPLETE = ascii("{\"type\":\"execution_complete\"");
  private static final byte[] EXECUTION_TIME = ascii(",\"execution_time\":");
  private static final byte[] EXECUTION_COUNT =
      ascii("{\"type\":\"execution_count\",\"execution_count\":");
  private static final byte[] RESULT = ascii("{\"type\":\"result\",\"results\":{");
  private static final byte[] COLON = ascii("\":\"");
  private static final byte[] ERROR = ascii("{\"type\":\"error\"");
  private static final byte[] ERROR_NAME = ascii(",\"error\":{\"ename\":\"");
  private static final byte[] ERROR_VALUE = ascii("\",\"evalue\":\"");
  private static final byte[] TRACEBACK = ascii("\",\"traceback\":[");
  private static final byte[] ERROR_END = ascii("]}");
  private static final byte[] TIMESTAMP = ascii(",\"timestamp\":");
  private static final byte[] END = ascii("}\n\n");

  private final InstantSource clock;
  private final EventSink sink;
  private final Bytes bytes = new Bytes(FIRST_BYTES);
  private int events;
  private @Nullable LineEvents open;

  /// @param clock gives each event its timestamp
  public EventBuffer(InstantSource clock, EventSink sink) {
    this.clock = clock;
    this.sink = sink;
  }

  /// The first event: the execution's id.
  public void init(String id) throws IOException {
    simple(INIT, id);
  }

  /// A remark that is no output.
  public void status(String text) throws IOException {
    simple(STATUS, text);
  }

  /// A sign of life.
  public void ping() throws IOException {
    begin();
    bytes.append(PING);
    bytes.append((byte) '"');
    end();
  }

  /// The successful end.
  ///
  /// @param elapsedMillis left out when 0, as clients expect
  public void complete(long elapsedMillis) throws IOException {
    beginComplete(elapsedMillis);
    end();
  }

  /// The successful end.
  ///
  /// @param more an object whose members are told besides
  public void complete(long elapsedMillis, JsonWriter more) throws IOException {
    beginComplete(elapsedMillis);
    timestamp();
    members(more);
    terminate();
  }

  private void beginComplete(long elapsedMillis) throws IOException {
    begin();
    sink.ended(true);
    bytes.append(COMPLETE);
    if (elapsedMillis > 0) {
      bytes.append(EXECUTION_TIME);
      bytes.decimal(elapsedMillis);
    }
  }

  /// A piece of output as it is, lines and all.
  ///
  /// @param text UTF-8
  public void output(TextKind kind, byte[] text) throws IOException {
    beginText(textHead(kind));
    new JsonText().encodeAll(bytes, text);
    endText();
  }

  /// The number of a code run within its context.
  public void executionCount(long count) throws IOException {
    begin();
    bytes.append(EXECUTION_COUNT);
    bytes.decimal(count);
    end();
  }

  /// The value of a code run, by MIME type.
  public void result(Map<String, String> results) throws IOException {
    begin();
    bytes.append(RESULT);
    boolean first = true;
    for (Map.Entry<String, String> entry : results.entrySet()) {
      if (!first) {
        bytes.append((byte) ',');
      }
      first = false;
      bytes.append((byte) '"');
      text(entry.getKey());
      bytes.append(COLON);
      text(entry.getValue());
      bytes.append((byte) '"');
    }
    bytes.append((byte) '}');
    end();
  }

  /// A failed end.
  public void error(String name, String value, List<String> traceback) throws IOException {
    beginError(name, value, traceback);
    terminate();
  }

  /// A failed end.
  ///
  /// @param more an object whose members are told besides
  public void error(String name, String value, List<String> traceback, JsonWriter more)
      throws IOException {
    beginError(name, value, traceback);
    members(more);
    terminate();
  }

  private void beginError(String name, String value, List<String> traceback) throws IOException {
    begin();
    sink.ended(false);
    bytes.append(ERROR);
    timestamp();
    bytes.append(ERROR_NAME);
    text(name);
    bytes.append(ERROR_VALUE);
    text(value);
    bytes.append(TRACEBACK);
    for (int i = 0; i < traceback.size(); i++) {
      if (i > 0) {
        bytes.append((byte) ',');
      }
      bytes.append((byte) '"');
      text(traceback.get(i));
      bytes.append((byte) '"');
    }
    bytes.append(ERROR_END);
  }

  private void members(JsonWriter object) {
    byte[] json = object.toBytes();
    bytes.append((byte) ',');
    bytes.append(Arrays.copyOfRange(json, 1, json.length - 1));
  }

  /// Hands over what there is.
  public void flush() throws IOException {
    if (bytes.size() > 0) {
      int count = events;
      int length = bytes.size();
      events = 0;
      bytes.truncate(0);
      sink.accept(bytes.array(), length, count, open != null);
    }
  }

  /// Begins an output event; a longer one that another stream has open is cut here.
  ///
  /// @param head from [#textHead]
  void beginText(byte[] head) throws IOException {
    begin();
    bytes.append(head);
  }

  /// Everything before the text of such an event.
  static byte[] textHead(TextKind kind) {
    return ascii("{\"type\":\"" + kind.wire() + "\",\"text\":\"");
  }

  /// Ends an output event.
  void endText() throws IOException {
    bytes.append((byte) '"');
    end();
  }

  Bytes bytes() {
    return bytes;
  }

  /// Keeps the event that `owner` has begun open over the end of a batch.
  void keepOpen(LineEvents owner) throws IOException {
    open = owner;
    if (bytes.size() >= BATCH_BYTES) {
      flush();
    }
  }

  void closed() {
    open = null;
  }

  private void begin() throws IOException {
    if (open != null) {
      open.cut();
    }
  }

  private void simple(byte[] head, String text) throws IOException {
    begin();
    bytes.append(head);
    text(text);
    bytes.append((byte) '"');
    end();
  }

  private void end() throws IOException {
    timestamp();
    terminate();
  }

  private void timestamp() {
    bytes.append(TIMESTAMP);
    bytes.decimal(clock.millis());
  }

  private void terminate() throws IOException {
    bytes.append(END);
    events++;
    if (bytes.size() >= BATCH_BYTES) {
      flush();
    }
  }

  private void text(String text) {
    new JsonText().encodeAll(bytes, text.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
