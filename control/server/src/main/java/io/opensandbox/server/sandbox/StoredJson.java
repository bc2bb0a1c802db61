package io.opensandbox.server.sandbox;

import io.opensandbox.server.json.Json;
import io.opensandbox.server.json.JsonParser;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads the maps and lists of text in JSON columns.
final class StoredJson {
  private StoredJson() {}

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
