package io.opensandbox.execd.sql;

import io.opensandbox.execd.json.JsonWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a statement gave.
public sealed interface SqlResult {
  /// `{"columns":[...],"rows":[[...]]}`; cells are strings or null, the count is a number. Without
  /// any row there is no `rows`.
  String toJson();

  /// A result set.
  ///
  /// @param columns the names
  /// @param rows cells as text, null for NULL
  record Rows(List<String> columns, List<List<@Nullable String>> rows) implements SqlResult {
    @Override
    public String toJson() {
      JsonWriter json = new JsonWriter().beginObject().name("columns").beginArray();
      columns.forEach(json::value);
      json.endArray();
      if (!rows.isEmpty()) {
        json.name("rows").beginArray();
        for (List<@Nullable String> row : rows) {
          json.beginArray();
          row.forEach(json::value);
          json.endArray();
        }
        json.endArray();
      }
      return json.endObject().toString();
    }
  }

  /// A statement without a result set.
  record Affected(long rows) implements SqlResult {
    @Override
    public String toJson() {
      return new JsonWriter()
          .beginObject()
          .name("columns")
          .beginArray()
          .value("affected_rows")
          .endArray()
          .name("rows")
          .beginArray()
          .beginArray()
          .value(rows)
          .endArray()
          .endArray()
          .endObject()
          .toString();
    }
  }
}
