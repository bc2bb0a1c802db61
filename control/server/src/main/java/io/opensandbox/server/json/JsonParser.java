package io.opensandbox.server.json;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Parses one JSON value, strictly after RFC 8259.
public final class JsonParser {
  /// Nesting beyond this is refused, so that no body can exhaust the stack.
  static final int MAX_DEPTH = 64;

  /// Digits beyond this are refused, so that no number is costly to handle.
  static final int MAX_NUMBER_LENGTH = 64;

  private final String text;
  private int position;

  private JsonParser(String text) {
    this.text = text;
  }

  /// The value that `text` holds, with nothing but blanks around it.
  ///
  /// Throws [JsonSyntaxException] when it is malformed, nested more than 64 deep or holds a number
  /// of more than 64 characters.
  public static Json parse(String text) {
    var parser = new JsonParser(text);
    parser.skipBlanks();
    Json value = parser.value(0);
    parser.skipBlanks();
    if (parser.position < text.length()) {
      throw parser.error("unexpected text after the value");
    }
    return value;
  }

  private Json value(int depth) {
    if (depth > MAX_DEPTH) {
      throw error("nested more than " + MAX_DEPTH + " deep");
    }
    return switch (peek()) {
      case '{' -> object(depth);
      case '[' -> array(depth);
      case '"' -> new Json.Str(string());
      case 't' -> literal("true", new Json.Bool(true));
      case 'f' -> literal("false", new Json.Bool(false));
      case 'n' -> literal("null", new Json.Null());
      default -> number();
    };
  }

  private Json object(int depth) {
    position++;
    Map<String, Json> members = new LinkedHashMap<>();
    skipBlanks();
    if (peek() == '}') {
      position++;
      return new Json.Obj(members);
    }
    while (true) {
      skipBlanks();
      if (peek() != '"') {
        throw error("expected a member name in double quotes");
      }
      String name = string();
      skipBlanks();
      expect(':');
      skipBlanks();
      members.put(name, value(depth + 1));
      skipBlanks();
      if (peek() == '}') {
        position++;
        return new Json.Obj(members);
      }
      expect(',');
    }
  }

  private Json array(int depth) {
    position++;
    List<Json> items = new ArrayList<>();
    skipBlanks();
    if (peek() == ']') {
      position++;
      return new Json.Arr(items);
    }
    while (true) {
      skipBlanks();
      items.add(value(depth + 1));
      skipBlanks();
      if (peek() == ']') {
        position++;
        return new Json.Arr(items);
      }
      expect(',');
    }
  }

  private Json literal(String word, Json value) {
    if (!text.startsWith(word, position)) {
      throw error("expected a value");
    }
    position += word.length();
    return value;
  }

  private Json number() {
    int start = position;
    if (at('-')) {
      position++;
    }
    if (at('0')) {
      position++;
    } else {
      digits("expected a value");
    }
    if (at('.')) {
      position++;
      digits("expected a digit after the decimal point");
    }
    if (at('e') || at('E')) {
      position++;
      if (at('+') || at('-')) {
        position++;
      }
      digits("expected a digit in the exponent");
    }
    if (position - start > MAX_NUMBER_LENGTH) {
      throw error("number of more than " + MAX_NUMBER_LENGTH + " characters");
    }
    try {
      return new Json.Num(new BigDecimal(text.substring(start, position)));
    } catch (NumberFormatException _) {
      throw error("number out of range");
    }
  }

  private void digits(String complaint) {
    int start = position;
    while (position < text.length()
        && text.charAt(position) >= '0'
        && text.charAt(position) <= '9') {
      position++;
    }
    if (position == start) {
      throw error(complaint);
    }
  }

  private String string() {
    position++;
    var out = new StringBuilder();
    while (true) {
      char c = peek();
      position++;
      if (c == '"') {
        return out.toString();
      }
      if (c < 0x20) {
        throw error("control character in a string");
      }
      out.append(c == '\\' ? escape() : c);
    }
  }

  private char escape() {
    char c = peek();
    position++;
    return switch (c) {
      case '"', '\\', '/' -> c;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> unicode();
      default -> throw error("unknown escape in a string");
    };
  }

  private char unicode() {
    int value = 0;
    for (int i = 0; i < 4; i++) {
      int digit = Character.digit(peek(), 16);
      if (digit < 0) {
        throw error("expected four hexadecimal digits");
      }
      value = value * 16 + digit;
      position++;
    }
    return (char) value;
  }

  private void expect(char wanted) {
    if (peek() != wanted) {
      throw error("expected \"" + wanted + "\"");
    }
    position++;
  }

  private char peek() {
    if (position >= text.length()) {
      throw error("unexpected end");
    }
    return text.charAt(position);
  }

  private boolean at(char c) {
    return position < text.length() && text.charAt(position) == c;
  }

  private void skipBlanks() {
    while (at(' ') || at('\t') || at('\n') || at('\r')) {
      position++;
    }
  }

  private JsonSyntaxException error(String reason) {
    return new JsonSyntaxException(reason, position);
  }
}
