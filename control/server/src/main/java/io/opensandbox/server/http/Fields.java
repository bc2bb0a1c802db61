package io.opensandbox.server.http;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.server.json.Json;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Members of a request's object, read by type. A member that is absent or null is empty; one of
/// another type is refused with its path. Members have a second, snake-case name.
public final class Fields {
  private final String path;
  private final Json.Obj object;

  private Fields(String path, Json.Obj object) {
    this.path = path;
    this.object = object;
  }

  /// The members of a body.
  public static Fields of(Json.Obj body) {
    return new Fields("", body);
  }

  /// The path of a member, for messages: `image.auth.username`.
  public String path(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  /// The value of a member; null when it is absent or null.
  public @Nullable Json value(String name) {
    Json value = object.member(name);
    return value != null ? value : object.member(snakeCase(name));
  }

  /// Whether a member is there and not null.
  public boolean has(String name) {
    return value(name) != null;
  }

  /// The object in a member.
  public Optional<Fields> object(String name) {
    return switch (value(name)) {
      case null -> Optional.empty();
      case Json.Obj found -> Optional.of(new Fields(path(name), found));
      case Json other ->
          throw wrongType(ErrorCode.INVALID_PARAMETER, path(name), "an object", other);
    };
  }

  /// The objects in an array member.
  public List<Fields> objects(String name, ErrorCode code) {
    List<Fields> all = new ArrayList<>();
    List<Json> items = array(name, code).orElse(List.of());
    for (int i = 0; i < items.size(); i++) {
      String itemPath = path(name) + "[" + i + "]";
      if (!(items.get(i) instanceof Json.Obj found)) {
        throw wrongType(code, itemPath, "an object", items.get(i));
      }
      all.add(new Fields(itemPath, found));
    }
    return all;
  }

  /// The text in a member.
  public Optional<String> text(String name) {
    return text(name, ErrorCode.INVALID_PARAMETER);
  }

  /// The text in a member.
  ///
  /// @param code when it is something else
  public Optional<String> text(String name, ErrorCode code) {
    return switch (value(name)) {
      case null -> Optional.empty();
      case Json.Str found -> Optional.of(found.value());
      case Json other -> throw wrongType(code, path(name), "a string", other);
    };
  }

  /// The text in a member that must be there.
  public String requiredText(String name, ErrorCode code) {
    return text(name, code)
        .orElseThrow(() -> new SandboxException(code, "\"" + path(name) + "\" is required"));
  }

  /// The texts in an array member.
  public Optional<List<String>> texts(String name, ErrorCode code) {
    return array(name, code)
        .map(items -> {
          List<String> texts = new ArrayList<>();
          for (int i = 0; i < items.size(); i++) {
            if (!(items.get(i) instanceof Json.Str found)) {
              throw wrongType(code, path(name) + "[" + i + "]", "a string", items.get(i));
            }
            texts.add(found.value());
          }
          return texts;
        });
  }

  /// The texts in an object member, in order.
  ///
  /// @param nullsDropped whether members that are null are left out, else they are refused
  public Optional<Map<String, String>> textMap(String name, ErrorCode code, boolean nullsDropped) {
    Optional<Fields> inner = object(name);
    if (inner.isEmpty()) {
      return Optional.empty();
    }
    Map<String, String> texts = new LinkedHashMap<>();
    inner
        .get()
        .object
        .members()
        .forEach((key, value) -> {
          if (value instanceof Json.Str found) {
            texts.put(key, found.value());
          } else if (!(nullsDropped && value instanceof Json.Null)) {
            throw wrongType(code, path(name) + "." + key, "a string", value);
          }
        });
    return Optional.of(texts);
  }

  /// The boolean in a member, `fallback` when there is none.
  public boolean bool(String name, boolean fallback) {
    return switch (value(name)) {
      case null -> fallback;
      case Json.Bool found -> found.value();
      case Json.Str found ->
          Query.parseBoolean(found.value()).orElseThrow(() -> notBoolean(name, found));
      case Json.Num found when found.value().signum() == 0 -> false;
      case Json.Num found when found.value().compareTo(BigDecimal.ONE) == 0 -> true;
      case Json other -> throw notBoolean(name, other);
    };
  }

  private SandboxException notBoolean(String name, Json found) {
    return wrongType(ErrorCode.INVALID_PARAMETER, path(name), "a boolean", found);
  }

  /// The integer in a member: `60`, `60.0` or `"60"`.
  public Optional<Long> integer(String name) {
    return switch (value(name)) {
      case null -> Optional.empty();
      case Json.Num number -> Optional.of(integer(name, number.value()));
      case Json.Str text when text.value().strip().matches("[+-]?\\d{1,30}") ->
          Optional.of(integer(name, new BigDecimal(text.value().strip())));
      case Json other ->
          throw wrongType(ErrorCode.INVALID_PARAMETER, path(name), "an integer", other);
    };
  }

  private long integer(String name, BigDecimal number) {
    // The scale is bounded first, because 1e999999999 as an integer would fill the memory.
    if (number.precision() - number.scale() > 19) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER, "\"" + path(name) + "\" is out of range");
    }
    if (number.signum() != 0 && number.stripTrailingZeros().scale() > 0) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER, "\"" + path(name) + "\" must be an integer, not a fraction");
    }
    try {
      return number.longValueExact();
    } catch (ArithmeticException _) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER, "\"" + path(name) + "\" is out of range");
    }
  }

  private Optional<List<Json>> array(String name, ErrorCode code) {
    return switch (value(name)) {
      case null -> Optional.empty();
      case Json.Arr found -> Optional.of(found.items());
      case Json other -> throw wrongType(code, path(name), "an array", other);
    };
  }

  private static SandboxException wrongType(
      ErrorCode code, String path, String wanted, Json found) {
    return new SandboxException(
        code, "\"" + path + "\" must be " + wanted + ", not " + found.kind());
  }

  private static String snakeCase(String name) {
    var out = new StringBuilder();
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (Character.isUpperCase(c)) {
        out.append('_').append(Character.toLowerCase(c));
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }
}
