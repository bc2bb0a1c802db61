package io.opensandbox.execd.json;

import io.opensandbox.protocol.execd.ExecdException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;

/// Reads what is there of a JSON object whose end was cut off.
public final class JsonPrefix {
  private final byte[] prefix;
  private final Deque<Character> open = new ArrayDeque<>();
  private boolean inText;
  private int end;

  private JsonPrefix(byte[] prefix) {
    this.prefix = prefix;
  }

  /// The object with what is open closed: the last text may be shorter than it was, and members are
  /// missing.
  ///
  /// @return the object without members when the cut is elsewhere than in a text
  public static JsonObject parseObject(byte[] prefix) {
    JsonPrefix whole = new JsonPrefix(prefix);
    whole.scan();
    try {
      return JsonParser.parseObject(whole.close());
    } catch (ExecdException _) {
      return JsonObject.EMPTY;
    }
  }

  /// Finds what is open at the end, and the end of the last whole character.
  private void scan() {
    int at = 0;
    while (at < prefix.length) {
      int next = at + (inText ? lengthInText(at) : 1);
      if (next > prefix.length) {
        break;
      }
      look((char) prefix[at]);
      at = next;
    }
    end = at;
  }

  private void look(char character) {
    if (character == '"') {
      inText = !inText;
    } else if (!inText) {
      switch (character) {
        case '{' -> open.push('}');
        case '[' -> open.push(']');
        case '}', ']' -> open.poll();
        default -> {
          // Neither opens nor closes anything.
        }
      }
    }
  }

  /// How many bytes a character or an escape has.
  private int lengthInText(int at) {
    if (prefix[at] == '\\') {
      return at + 1 < prefix.length && prefix[at + 1] == 'u' ? 6 : 2;
    }
    int lead = prefix[at] & 0xff;
    if (lead < 0xc0) {
      return 1;
    }
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  }

  private byte[] close() {
    var closed = new ByteArrayOutputStream(end + open.size() + 1);
    closed.write(prefix, 0, end);
    var rest = new StringBuilder(inText ? "\"" : "");
    open.forEach(rest::append);
    closed.writeBytes(rest.toString().getBytes(StandardCharsets.US_ASCII));
    return closed.toByteArray();
  }
}
