package io.opensandbox.server.pool;

import io.opensandbox.protocol.lifecycle.PoolCapacity;
import io.opensandbox.server.json.Json;
import io.opensandbox.server.json.JsonParser;
import io.opensandbox.server.json.JsonText;
import io.opensandbox.server.sandbox.PoolTemplate;
import io.opensandbox.server.store.Database;
import io.opensandbox.server.store.Row;
import io.opensandbox.server.store.Sql;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The pools' table.
final class PoolStore {
  private static final String COLUMNS =
      "name, tenant, template, revision, buffer_max, buffer_min, pool_max, pool_min, created_at";

  private final Database database;

  PoolStore(Database database) {
    this.database = database;
  }

  /// Adds a pool; false when its name is taken.
  boolean insert(PoolRow row) {
    PoolCapacity capacity = row.capacity();
    return database.write(connection ->
        Sql.of(
                connection,
                "INSERT INTO pools ("
                    + COLUMNS
                    + ", serial) VALUES (?,?,?,?,?,?,?,?,?,0) ON CONFLICT (name) DO NOTHING")
            .with(row.name())
            .with(row.tenant())
            .with(JsonText.of(row.template().body()))
            .with(row.template().revision())
            .with(capacity.bufferMax())
            .with(capacity.bufferMin())
            .with(capacity.poolMax())
            .with(capacity.poolMin())
            .with(row.createdAt())
            .updateOne());
  }

  Optional<PoolRow> find(String name) {
    return database.read(connection ->
        Sql.of(connection, "SELECT " + COLUMNS + " FROM pools WHERE name = ?")
            .with(name)
            .first(PoolStore::row));
  }

  /// Every pool, by name.
  List<PoolRow> all() {
    return database.read(connection ->
        Sql.of(connection, "SELECT " + COLUMNS + " FROM pools ORDER BY name").list(PoolStore::row));
  }

  /// Changes what a pool keeps; false when it is gone.
  boolean update(String name, PoolCapacity capacity) {
    return database.write(connection ->
        Sql.of(
                connection,
                "UPDATE pools SET buffer_max = ?, buffer_min = ?, pool_max = ?, pool_min = ?"
                    + " WHERE name = ?")
            .with(capacity.bufferMax())
            .with(capacity.bufferMin())
            .with(capacity.poolMax())
            .with(capacity.poolMin())
            .with(name)
            .updateOne());
  }

  /// Removes a pool; false when it is gone.
  boolean delete(String name) {
    return database.write(connection ->
        Sql.of(connection, "DELETE FROM pools WHERE name = ?").with(name).updateOne());
  }

  private static PoolRow row(Row row) throws SQLException {
    String name = row.text("name");
    Json.Obj body =
        JsonParser.parse(row.text("template")) instanceof Json.Obj object
            ? object
            : new Json.Obj(Map.of());
    return new PoolRow(
        name,
        row.text("tenant"),
        new PoolTemplate(name, row.text("revision"), body),
        new PoolCapacity(
            (int) row.number("buffer_max"),
            (int) row.number("buffer_min"),
            (int) row.number("pool_max"),
            (int) row.number("pool_min")),
        row.instant("created_at"));
  }
}
