package io.opensandbox.server.sandbox;

import io.avaje.jsonb.JsonType;
import io.avaje.jsonb.Jsonb;
import io.opensandbox.server.json.Json;
import io.opensandbox.server.json.JsonParser;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Maps and lists of text as JSON columns and labels.
final class StoredJson {
  private static final JsonType<Map<String, String>> MAPS =
      Jsonb.instance().type(String.class).map();
  private static final JsonType<List<String>> LISTS = Jsonb.instance().type(String.class).list();

  private StoredJson() {}

  static String write(Map<String, String> map) {
    return MAPS.toJson(map);
  }

  static String write(List<String> list) {
    return LISTS.toJson(list);
  }

  static Map<String, String> readMap(String json) {
    Map<String, String> map = new LinkedHashMap<>();
    if (JsonParser.parse(json) instanceof Json.Obj object) {
      object
          .members()
          .forEach((name, value) -> {
            if (value instanceof Json.Str text) {
              map.put(name, text.value());
            }
          });
    }
    return map;
  }

  static List<String> readList(String json) {
    List<String> list = new ArrayList<>();
    if (JsonParser.parse(json) instanceof Json.Arr array) {
      for (Json item : array.items()) {
        if (item instanceof Json.Str text) {
          list.add(text.value());
        }
      }
    }
    return list;
  }
}
