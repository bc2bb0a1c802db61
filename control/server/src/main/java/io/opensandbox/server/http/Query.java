package io.opensandbox.server.http;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The parameters of a request's query, decoded once. Of a repeated scalar the last one counts.
public final class Query {
  private static final Set<String> TRUE = Set.of("true", "t", "yes", "y", "on", "1");
  private static final Set<String> FALSE = Set.of("false", "f", "no", "n", "off", "0");
  private static final Pattern INTEGER = Pattern.compile("[+-]?\\d+(?:_\\d+)*(?:\\.0+)?");

  private final Map<String, List<String>> parameters;

  private Query(Map<String, List<String>> parameters) {
    this.parameters = parameters;
  }

  /// Parses the raw query, without its question mark.
  public static Query parse(@Nullable String raw) {
    Map<String, List<String>> parameters = new LinkedHashMap<>();
    if (raw != null) {
      for (String segment : raw.split("&", -1)) {
        if (!segment.isEmpty()) {
          int equals = segment.indexOf('=');
          String name = equals < 0 ? segment : segment.substring(0, equals);
          String value = equals < 0 ? "" : segment.substring(equals + 1);
          parameters.computeIfAbsent(decode(name), _ -> new ArrayList<>()).add(decode(value));
        }
      }
    }
    return new Query(parameters);
  }

  /// Decodes `+` and `%XX`. Throws `INVALID_PARAMETER` when that is malformed or not UTF-8.
  public static String decode(String text) {
    if (text.indexOf('%') < 0 && text.indexOf('+') < 0) {
      return text;
    }
    byte[] in = text.getBytes(StandardCharsets.UTF_8);
    ByteBuffer out = ByteBuffer.allocate(in.length);
    for (int i = 0; i < in.length; i++) {
      if (in[i] == '+') {
        out.put((byte) ' ');
      } else if (in[i] == '%') {
        int high = i + 1 < in.length ? Character.digit(in[i + 1], 16) : -1;
        int low = i + 2 < in.length ? Character.digit(in[i + 2], 16) : -1;
        if (high < 0 || low < 0) {
          throw invalid("the query has a malformed percent escape");
        }
        out.put((byte) (high * 16 + low));
        i += 2;
      } else {
        out.put(in[i]);
      }
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(out.flip()).toString();
    } catch (CharacterCodingException _) {
      throw invalid("the query is not UTF-8");
    }
  }

  /// The last value of a parameter.
  public Optional<String> text(String name) {
    List<String> values = parameters.getOrDefault(name, List.of());
    return values.isEmpty() ? Optional.empty() : Optional.of(values.getLast());
  }

  /// Every value of a parameter, in order.
  public List<String> all(String name) {
    return List.copyOf(parameters.getOrDefault(name, List.of()));
  }

  /// Whether a parameter is there, even if it is empty.
  public boolean has(String name) {
    return parameters.containsKey(name);
  }

  /// The integer in a parameter.
  ///
  /// @param fallback when it is not there
  public int integer(String name, int fallback, int min, int max) {
    Optional<String> text = text(name);
    if (text.isEmpty()) {
      return fallback;
    }
    String rule = "query parameter \"" + name + "\" must be an integer from " + min + " to " + max;
    BigInteger value = parseInteger(text.get(), rule);
    if (value.compareTo(BigInteger.valueOf(min)) < 0
        || value.compareTo(BigInteger.valueOf(max)) > 0) {
      throw invalid(rule);
    }
    return value.intValueExact();
  }

  /// The integer in `text`, however large: sign, leading zeros, underscores between digits and `.0`
  /// are fine.
  ///
  /// @param rule the message when it is none
  public static BigInteger parseInteger(String text, String rule) {
    String stripped = text.strip();
    if (!INTEGER.matcher(stripped).matches()) {
      throw invalid(rule);
    }
    String digits = stripped.replace("_", "");
    int point = digits.indexOf('.');
    return new BigInteger(point < 0 ? digits : digits.substring(0, point));
  }

  /// The boolean in a parameter; absent is false.
  public boolean bool(String name) {
    return parseBoolean(text(name).orElse("false"))
        .orElseThrow(() -> invalid("query parameter \"" + name + "\" must be true or false"));
  }

  /// The boolean that a word means: `yes`, `off`, `1` and the like, in any case.
  static Optional<Boolean> parseBoolean(String text) {
    String word = text.toLowerCase(Locale.ROOT);
    if (TRUE.contains(word)) {
      return Optional.of(true);
    }
    return FALSE.contains(word) ? Optional.of(false) : Optional.empty();
  }

  private static SandboxException invalid(String message) {
    return new SandboxException(ErrorCode.INVALID_PARAMETER, message);
  }
}
