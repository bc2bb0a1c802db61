package io.opensandbox.server.snapshot;

import io.opensandbox.server.http.Timestamps;
import io.opensandbox.server.json.Json;
import io.opensandbox.server.json.JsonParser;
import io.opensandbox.server.json.JsonSyntaxException;
import io.opensandbox.server.json.JsonText;
import io.opensandbox.server.store.Database;
import io.opensandbox.server.store.Leases;
import io.opensandbox.server.store.Row;
import io.opensandbox.server.store.Sql;
import io.opensandbox.server.store.Store;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The snapshots' table, in the format that other implementations of the contract share.
final class SnapshotStore {
  private static final String COLUMNS =
      "id, tenant, source_sandbox_id, name, restore_config, state, reason, message,"
          + " last_transition_at, created_at";

  private final Database database;
  private final Leases workers;

  SnapshotStore(Store store) {
    this.database = store.database();
    this.workers = store.leases("snapshots", "claimed");
  }

  /// Which server is taking or removing a snapshot.
  Leases workers() {
    return workers;
  }

  /// Adds a snapshot that this server begins to take, unless there are `limit` already.
  ///
  /// @param limit 0 for none
  boolean insert(SnapshotRow row, int limit) {
    return database.write(connection -> {
      database.lock(connection, Database.Exclusive.SNAPSHOT_QUOTA);
      return Sql.of(
              connection,
              "INSERT INTO snapshots ("
                  + COLUMNS
                  + ", updated_at, claimed_by, claimed_until)"
                  + " SELECT ?,?,?,?,?,?,?,?,?,?,?,?,"
                  + workers.deadline()
                  + " WHERE ? = 0 OR (SELECT COUNT(*) FROM snapshots) < ?")
          .with(row.id())
          .with(row.tenant())
          .with(row.sandboxId())
          .withText(row.name())
          .with(restoreConfig(row))
          .with(row.status().state().wire())
          .with(row.status().reason())
          .with(row.status().message())
          .with(Timestamps.formatSortable(row.status().since()))
          .with(Timestamps.formatSortable(row.createdAt()))
          .with(Timestamps.formatSortable(row.status().since()))
          .with(workers.holder())
          .with(limit)
          .with(limit)
          .updateOne();
    });
  }

  Optional<SnapshotRow> find(String id) {
    return database.read(connection ->
        Sql.of(connection, "SELECT " + COLUMNS + " FROM snapshots WHERE id = ?")
            .with(id)
            .first(SnapshotStore::row));
  }

  /// Every snapshot that the tenant sees, newest first.
  List<SnapshotRow> all(String tenant) {
    return database.read(connection ->
        Sql.of(
                connection,
                "SELECT "
                    + COLUMNS
                    + " FROM snapshots WHERE (? = '' OR tenant = ?)"
                    + " ORDER BY created_at DESC, id DESC")
            .with(tenant)
            .with(tenant)
            .list(SnapshotStore::row));
  }

  /// The snapshots that are half taken or half removed and on which no server works.
  List<SnapshotRow> abandoned() {
    return database.read(connection ->
        Sql.of(
                connection,
                "SELECT "
                    + COLUMNS
                    + " FROM snapshots WHERE state IN ('Creating', 'Deleting') AND "
                    + workers.isFree()
                    + " ORDER BY created_at, id")
            .list(SnapshotStore::row));
  }

  /// Whether some server is capturing a sandbox now.
  boolean isBeingCaptured(String sandboxId) {
    return database.read(connection ->
        Sql.of(
                connection,
                "SELECT id FROM snapshots WHERE source_sandbox_id = ? AND state = 'Creating'"
                    + " AND NOT "
                    + workers.isFree())
            .with(sandboxId)
            .first(row -> row.text("id"))
            .isPresent());
  }

  /// Writes the status and image of `row`, if the store has it in the state `expected`.
  boolean replaceIf(SnapshotState expected, SnapshotRow row) {
    String since = Timestamps.formatSortable(row.status().since());
    return database.write(connection ->
        Sql.of(
                connection,
                "UPDATE snapshots SET restore_config = ?, state = ?, reason = ?, message = ?,"
                    + " last_transition_at = ?, updated_at = ? WHERE id = ? AND state = ?")
            .with(restoreConfig(row))
            .with(row.status().state().wire())
            .with(row.status().reason())
            .with(row.status().message())
            .with(since)
            .with(since)
            .with(row.id())
            .with(expected.wire())
            .updateOne());
  }

  /// Removes a record; absent is fine.
  void delete(String id) {
    database.write(
        connection -> Sql.of(connection, "DELETE FROM snapshots WHERE id = ?").with(id).update());
  }

  // A snapshot without an image has none in its configuration; readers take that for null.
  private static String restoreConfig(SnapshotRow row) {
    return JsonText.object(row.image().map(image -> Map.of("image", image)).orElse(Map.of()));
  }

  private static SnapshotRow row(Row row) throws SQLException {
    Instant createdAt = Timestamps.parse("created_at", row.text("created_at"));
    var status =
        new SnapshotRow.Status(
            SnapshotState.parse(row.text("state")),
            row.maybeText("reason").orElse(""),
            row.maybeText("message").orElse(""),
            row.maybeText("last_transition_at")
                .map(since -> Timestamps.parse("last_transition_at", since))
                .orElse(createdAt));
    return new SnapshotRow(
        row.text("id"),
        row.maybeText("tenant").orElse(""),
        row.text("source_sandbox_id"),
        row.maybeText("name"),
        image(row.text("restore_config")),
        status,
        createdAt);
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
