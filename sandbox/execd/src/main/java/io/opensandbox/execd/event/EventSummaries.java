package io.opensandbox.execd.event;

import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/// Tells the log of a stream's events: type, the beginning of the text or of the error, and the age
/// of the stream. Pings are left out. Of the output of one second, the first hundred events are
/// told, then each hundredth, so that a stream costs little however fast it is.
final class EventSummaries {
  private static final int TEXT_CHARS = 100;
  private static final int ERROR_CHARS = 80;
  private static final int SAMPLE = 100;

  /// Enough for the longest summary: a character takes at most six bytes in JSON.
  private static final int HEAD_BYTES = 1024;

  private static final String TYPE = "{\"type\":\"";
  private static final String TEXT = "\",\"text\":\"";
  private static final String NAME = "\"error\":{\"ename\":\"";
  private static final String VALUE = "\",\"evalue\":\"";

  private final Consumer<String> log;
  private final long startMillis;
  private long second;
  private int outputs;

  /// Whether the last batch ended inside an event.
  private boolean inside;

  EventSummaries(Consumer<String> log, long startMillis) {
    this.log = log;
    this.startMillis = startMillis;
  }

  /// Tells of a batch.
  ///
  /// @param open whether its last event goes on in the next batch
  void add(byte[] bytes, int length, boolean open, long nowMillis) {
    if (nowMillis / 1000 != second) {
      second = nowMillis / 1000;
      outputs = 0;
    }
    int at = inside ? endOf(bytes, 0, length) : 0;
    while (at < length) {
      int end = endOf(bytes, at, length);
      int head = Math.min(end - at, HEAD_BYTES);
      tell(new String(bytes, at, head, StandardCharsets.UTF_8), nowMillis - startMillis);
      at = end;
    }
    inside = open;
  }

  /// Whether a batch of output alone would not be told of, so that it need not be looked at.
  boolean skips(int events, boolean open, long nowMillis) {
    boolean skipped =
        nowMillis / 1000 == second && outputs >= SAMPLE && outputs % SAMPLE + events + 1 < SAMPLE;
    if (skipped) {
      outputs += events;
      inside = open;
    }
    return skipped;
  }

  /// Past the event that `from` lies in. An event has no line feed but its two last bytes.
  private static int endOf(byte[] bytes, int from, int length) {
    int at = from;
    while (at < length && bytes[at] != '\n') {
      at++;
    }
    return Math.min(at + 2, length);
  }

  private void tell(String json, long ageMillis) {
    int typeEnd = json.indexOf('"', TYPE.length());
    if (!json.startsWith(TYPE) || typeEnd < 0) {
      return;
    }
    String type = json.substring(TYPE.length(), typeEnd);
    boolean output = type.equals("stdout") || type.equals("stderr");
    if (type.equals("ping") || (output && !isSampled())) {
      return;
    }
    var line = new StringBuilder("event ").append(type);
    if (json.startsWith(TEXT, typeEnd)) {
      line.append(" \"").append(text(json, typeEnd + TEXT.length(), TEXT_CHARS)).append('"');
    }
    int name = json.indexOf(NAME);
    if (type.equals("error") && name >= 0) {
      line.append(" \"").append(error(json, name + NAME.length())).append('"');
    }
    log.accept(line.append(" after ").append(ageMillis).append("ms").toString());
  }

  private boolean isSampled() {
    outputs++;
    return outputs <= SAMPLE || outputs % SAMPLE == 0;
  }

  private static String error(String json, int from) {
    String error = text(json, from, ERROR_CHARS);
    int value = json.indexOf(VALUE, from);
    if (value >= 0) {
      error += ": " + text(json, value + VALUE.length(), ERROR_CHARS);
    }
    return error.substring(0, Math.min(error.length(), ERROR_CHARS));
  }

  /// The beginning of a JSON string, with its escapes resolved.
  private static String text(String json, int from, int maxChars) {
    var text = new StringBuilder();
    int at = from;
    while (at < json.length() && json.charAt(at) != '"' && text.length() < maxChars) {
      char c = json.charAt(at);
      if (c != '\\' || at + 1 == json.length()) {
        text.append(c);
        at++;
      } else if (json.charAt(at + 1) == 'u' && at + 6 <= json.length()) {
        text.append((char) Integer.parseInt(json, at + 2, at + 6, 16));
        at += 6;
      } else {
        text.append(escaped(json.charAt(at + 1)));
        at += 2;
      }
    }
    return text.toString();
  }

  private static char escaped(char letter) {
    return switch (letter) {
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'b' -> '\b';
      case 'f' -> '\f';
      default -> letter;
    };
  }
}
