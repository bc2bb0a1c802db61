package io.opensandbox.execd.json;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads the first JSON value of a body, after RFC 8259; what follows it is ignored, as the
/// contract says. Invalid UTF-8 inside strings becomes U+FFFD. Nesting is limited to 200 levels, so
/// hostile input costs neither stack nor more memory than a small multiple of its own size.
public final class JsonParser {
  private static final int MAX_DEPTH = 200;
  private static final int MAX_NUMBER_LENGTH = 400;

  private final byte[] text;
  private int at;
  private int depth;

  private JsonParser(byte[] text) {
    this.text = text;
  }

  /// The first value of a body.
  ///
  /// @throws ExecdException [ErrorCode#INVALID_REQUEST_BODY] when the body is empty or not JSON
  public static JsonValue parse(byte[] body) {
    JsonParser parser = new JsonParser(body);
    parser.skipByteOrderMark();
    parser.skipSpace();
    if (parser.at == body.length) {
      throw invalid("the body is empty; it must be a JSON document");
    }
    return parser.value();
  }

  /// The body as an object; a top-level `null` is the object without members.
  ///
  /// @throws ExecdException [ErrorCode#INVALID_REQUEST_BODY] for anything else
  public static JsonObject parseObject(byte[] body) {
    JsonValue value = parse(body);
    if (value instanceof JsonObject object) {
      return object;
    }
    if (value instanceof JsonValue.Null) {
      return JsonObject.EMPTY;
    }
    throw invalid("the body must be a JSON object, not " + value.kind());
  }

  /// The same, but an empty body is the object without members too.
  public static JsonObject parseOptionalObject(byte[] body) {
    return isBlank(body) ? JsonObject.EMPTY : parseObject(body);
  }

  private static boolean isBlank(byte[] body) {
    for (byte b : body) {
      if (!isSpace(b)) {
        return false;
      }
    }
    return true;
  }

  private JsonValue value() {
    return switch (peek()) {
      case '{' -> object();
      case '[' -> array();
      case '"' -> new JsonValue.Text(string());
      case 't' -> literal("true", new JsonValue.Flag(true));
      case 'f' -> literal("false", new JsonValue.Flag(false));
      case 'n' -> literal("null", JsonValue.Null.NULL);
      default -> number();
    };
  }

  private JsonObject object() {
    enter();
    Map<String, JsonValue> members = new LinkedHashMap<>();
    skipSpace();
    if (peek() == '}') {
      leave();
      return new JsonObject(members);
    }
    while (true) {
      if (peek() != '"') {
        throw unexpected("a member name");
      }
      String name = string();
      skipSpace();
      if (peek() != ':') {
        throw unexpected("\":\"");
      }
      at++;
      skipSpace();
      members.put(name, value());
      skipSpace();
      int next = peek();
      if (next == '}') {
        leave();
        return new JsonObject(members);
      }
      if (next != ',') {
        throw unexpected("\",\" or \"}\"");
      }
      at++;
      skipSpace();
    }
  }

  private JsonArray array() {
    enter();
    List<JsonValue> values = new ArrayList<>();
    skipSpace();
    if (peek() == ']') {
      leave();
      return new JsonArray(values);
    }
    while (true) {
      values.add(value());
      skipSpace();
      int next = peek();
      if (next == ']') {
        leave();
        return new JsonArray(values);
      }
      if (next != ',') {
        throw unexpected("\",\" or \"]\"");
      }
      at++;
      skipSpace();
    }
  }

  private void enter() {
    if (++depth > MAX_DEPTH) {
      throw invalid("the JSON document is nested deeper than " + MAX_DEPTH + " levels");
    }
    at++;
  }

  private void leave() {
    depth--;
    at++;
  }

  private String string() {
    int start = ++at;
    while (at < text.length && text[at] != '"' && text[at] != '\\') {
      if (text[at] >= 0 && text[at] < 0x20) {
        throw invalid("control character in a JSON string at byte " + at);
      }
      at++;
    }
    if (at == text.length) {
      throw invalid("unterminated JSON string");
    }
    String plain = Utf8.decode(text, start, at - start);
    if (text[at] == '"') {
      at++;
      return plain;
    }
    return stringWithEscapes(new StringBuilder(plain));
  }

  private String stringWithEscapes(StringBuilder out) {
    while (true) {
      int start = at;
      while (at < text.length && text[at] != '"' && text[at] != '\\') {
        if (text[at] >= 0 && text[at] < 0x20) {
          throw invalid("control character in a JSON string at byte " + at);
        }
        at++;
      }
      if (at > start) {
        out.append(Utf8.decode(text, start, at - start));
      }
      if (at == text.length) {
        throw invalid("unterminated JSON string");
      }
      if (text[at++] == '"') {
        return replaceLoneSurrogates(out);
      }
      escape(out);
    }
  }

  private void escape(StringBuilder out) {
    if (at == text.length) {
      throw invalid("unterminated JSON string");
    }
    switch (text[at++]) {
      case '"' -> out.append('"');
      case '\\' -> out.append('\\');
      case '/' -> out.append('/');
      case 'b' -> out.append('\b');
      case 'f' -> out.append('\f');
      case 'n' -> out.append('\n');
      case 'r' -> out.append('\r');
      case 't' -> out.append('\t');
      case 'u' -> out.append(fourHexDigits());
      default -> throw invalid("unknown escape in a JSON string at byte " + (at - 1));
    }
  }

  private char fourHexDigits() {
    if (text.length - at < 4) {
      throw invalid("unterminated JSON string");
    }
    int unit = 0;
    for (int i = 0; i < 4; i++) {
      int digit = Character.digit(text[at++], 16);
      if (digit < 0) {
        throw invalid("bad \\u escape in a JSON string at byte " + (at - 1));
      }
      unit = (unit << 4) | digit;
    }
    return (char) unit;
  }

  private static String replaceLoneSurrogates(StringBuilder out) {
    for (int i = 0; i < out.length(); i++) {
      char c = out.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      if (Character.isHighSurrogate(c)
          && i + 1 < out.length()
          && Character.isLowSurrogate(out.charAt(i + 1))) {
        i++;
      } else {
        out.setCharAt(i, '\ufffd');
      }
    }
    return out.toString();
  }

  private JsonValue.Numeral number() {
    int start = at;
    if (peek() == '-') {
      at++;
    }
    int digits = digits();
    if (digits == 0) {
      at = start;
      throw unexpected("a value");
    }
    if (digits > 1 && text[at - digits] == '0') {
      throw invalid("number with a leading zero at byte " + start);
    }
    if (at < text.length && text[at] == '.') {
      at++;
      require(digits() > 0, start);
    }
    if (at < text.length && (text[at] == 'e' || text[at] == 'E')) {
      at++;
      if (at < text.length && (text[at] == '+' || text[at] == '-')) {
        at++;
      }
      require(digits() > 0, start);
    }
    require(at - start <= MAX_NUMBER_LENGTH, start);
    return new JsonValue.Numeral(Utf8.decode(text, start, at - start));
  }

  private int digits() {
    int start = at;
    while (at < text.length && text[at] >= '0' && text[at] <= '9') {
      at++;
    }
    return at - start;
  }

  private static void require(boolean condition, int position) {
    if (!condition) {
      throw invalid("malformed number at byte " + position);
    }
  }

  private JsonValue literal(String word, JsonValue meaning) {
    for (int i = 0; i < word.length(); i++) {
      if (at >= text.length || text[at] != word.charAt(i)) {
        throw unexpected("\"" + word + "\"");
      }
      at++;
    }
    return meaning;
  }

  private void skipByteOrderMark() {
    if (text.length >= 3
        && text[0] == (byte) 0xef
        && text[1] == (byte) 0xbb
        && text[2] == (byte) 0xbf) {
      at = 3;
    }
  }

  private void skipSpace() {
    while (at < text.length && isSpace(text[at])) {
      at++;
    }
  }

  private static boolean isSpace(byte b) {
    return b == ' ' || b == '\n' || b == '\r' || b == '\t';
  }

  private int peek() {
    if (at >= text.length) {
      throw invalid("unexpected end of the JSON document");
    }
    return text[at];
  }

  private ExecdException unexpected(String expected) {
    return at >= text.length
        ? invalid("unexpected end of the JSON document")
        : invalid("expected " + expected + " at byte " + at + " of the JSON document");
  }

  private static ExecdException invalid(String message) {
    return new ExecdException(ErrorCode.INVALID_REQUEST_BODY, message);
  }
}
