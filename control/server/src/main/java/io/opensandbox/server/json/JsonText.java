package io.opensandbox.server.json;

import io.avaje.jsonb.JsonType;
import io.avaje.jsonb.Jsonb;
import java.util.List;
import java.util.Map;

/// Writes small JSON values that are no wire record: columns and labels.
public final class JsonText {
  private static final Jsonb JSONB = Jsonb.builder().serializeNulls(true).build();
  private static final JsonType<Map<String, String>> MAPS = JSONB.type(String.class).map();
  private static final JsonType<List<String>> LISTS = JSONB.type(String.class).list();

  private JsonText() {}

  /// An object of texts, in the map's order.
  public static String object(Map<String, String> members) {
    return MAPS.toJson(members);
  }

  /// An array of texts.
  public static String array(List<String> items) {
    return LISTS.toJson(items);
  }
}
