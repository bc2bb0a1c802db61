package io.opensandbox.server.snapshot;

import io.opensandbox.server.http.Timestamps;
import io.opensandbox.server.json.Json;
import io.opensandbox.server.json.JsonParser;
import io.opensandbox.server.json.JsonSyntaxException;
import io.opensandbox.server.json.JsonText;
import io.opensandbox.server.store.Database;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The snapshots' table, in the format that other implementations of the contract share.
final class SnapshotStore {
  private static final String COLUMNS =
      "id, tenant, source_sandbox_id, name, restore_config, state, reason, message,"
          + " last_transition_at, created_at";

  private final Database database;

  SnapshotStore(Database database) {
    this.database = database;
  }

  void insert(SnapshotRow row) {
    database.write(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "INSERT INTO snapshots ("
                  + COLUMNS
                  + ", updated_at) VALUES (?,?,?,?,?,?,?,?,?,?,?)")) {
        statement.setString(1, row.id());
        statement.setString(2, row.tenant());
        statement.setString(3, row.sandboxId());
        statement.setString(4, row.name().orElse(null));
        statement.setString(5, restoreConfig(row));
        statement.setString(6, row.status().state().wire());
        statement.setString(7, row.status().reason());
        statement.setString(8, row.status().message());
        statement.setString(9, Timestamps.formatSortable(row.status().since()));
        statement.setString(10, Timestamps.formatSortable(row.createdAt()));
        statement.setString(11, Timestamps.formatSortable(row.status().since()));
        return statement.executeUpdate();
      }
    });
  }

  Optional<SnapshotRow> find(String id) {
    return database.read(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + COLUMNS + " FROM snapshots WHERE id = ?")) {
        statement.setString(1, id);
        List<SnapshotRow> rows = rows(statement);
        return rows.isEmpty() ? Optional.empty() : Optional.of(rows.getFirst());
      }
    });
  }

  /// Every snapshot that the tenant sees, newest first.
  List<SnapshotRow> all(String tenant) {
    return database.read(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT "
                  + COLUMNS
                  + " FROM snapshots WHERE (? = '' OR tenant = ?)"
                  + " ORDER BY created_at DESC, id DESC")) {
        statement.setString(1, tenant);
        statement.setString(2, tenant);
        return rows(statement);
      }
    });
  }

  /// Writes the status and image of `row`, if the store has it in the state `expected`.
  boolean replaceIf(SnapshotState expected, SnapshotRow row) {
    return database.write(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "UPDATE snapshots SET restore_config = ?, state = ?, reason = ?, message = ?,"
                  + " last_transition_at = ?, updated_at = ? WHERE id = ? AND state = ?")) {
        statement.setString(1, restoreConfig(row));
        statement.setString(2, row.status().state().wire());
        statement.setString(3, row.status().reason());
        statement.setString(4, row.status().message());
        statement.setString(5, Timestamps.formatSortable(row.status().since()));
        statement.setString(6, Timestamps.formatSortable(row.status().since()));
        statement.setString(7, row.id());
        statement.setString(8, expected.wire());
        return statement.executeUpdate() == 1;
      }
    });
  }

  /// Removes a record; absent is fine.
  void delete(String id) {
    database.write(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("DELETE FROM snapshots WHERE id = ?")) {
        statement.setString(1, id);
        return statement.executeUpdate();
      }
    });
  }

  // A snapshot without an image has none in its configuration; readers take that for null.
  private static String restoreConfig(SnapshotRow row) {
    return JsonText.object(row.image().map(image -> Map.of("image", image)).orElse(Map.of()));
  }

  private static List<SnapshotRow> rows(PreparedStatement statement) throws SQLException {
    List<SnapshotRow> rows = new ArrayList<>();
    try (ResultSet result = statement.executeQuery()) {
      while (result.next()) {
        rows.add(row(result));
      }
    }
    return rows;
  }

  private static SnapshotRow row(ResultSet result) throws SQLException {
    Instant createdAt = Timestamps.parse("created_at", result.getString(10));
    String since = result.getString(9);
    var status =
        new SnapshotRow.Status(
            SnapshotState.parse(result.getString(6)),
            textOr(result.getString(7), ""),
            textOr(result.getString(8), ""),
            since == null ? createdAt : Timestamps.parse("last_transition_at", since));
    return new SnapshotRow(
        result.getString(1),
        textOr(result.getString(2), ""),
        result.getString(3),
        Optional.ofNullable(result.getString(4)),
        image(result.getString(5)),
        status,
        createdAt);
  }

  private static String textOr(@Nullable String text, String fallback) {
    return text == null ? fallback : text;
  }

  private static Optional<String> image(String restoreConfig) {
    try {
      return JsonParser.parse(restoreConfig) instanceof Json.Obj object
              && object.member("image") instanceof Json.Str image
              && !image.value().isBlank()
          ? Optional.of(image.value())
          : Optional.empty();
    } catch (
        JsonSyntaxException _) { // another implementation's or a damaged record: not restorable
      return Optional.empty();
    }
  }
}
