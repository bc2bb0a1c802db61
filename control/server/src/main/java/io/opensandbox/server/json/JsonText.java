package io.opensandbox.server.json;

import io.avaje.jsonb.JsonType;
import io.avaje.jsonb.Jsonb;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Writes small JSON values that are no wire record: columns and labels.
public final class JsonText {
  private static final Jsonb JSONB = Jsonb.builder().serializeNulls(true).build();
  private static final JsonType<Map<String, String>> MAPS = JSONB.type(String.class).map();
  private static final JsonType<List<String>> LISTS = JSONB.type(String.class).list();

  private static final JsonType<Object> ANY = JSONB.type(Object.class);

  private JsonText() {}

  /// An object of texts, in the map's order.
  public static String object(Map<String, String> members) {
    return MAPS.toJson(members);
  }

  /// Any value.
  public static String of(Json value) {
    return ANY.toJson(plain(value));
  }

  private static @Nullable Object plain(Json value) {
    return switch (value) {
      case Json.Obj object -> {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        object.members().forEach((name, member) -> members.put(name, plain(member)));
        yield members;
      }
      case Json.Arr array -> array.items().stream().map(JsonText::plain).toList();
      case Json.Str text -> text.value();
      case Json.Num number -> number.value();
      case Json.Bool bool -> bool.value();
      case Json.Null _ -> null;
    };
  }

  /// An array of texts.
  public static String array(List<String> items) {
    return LISTS.toJson(items);
  }
}
