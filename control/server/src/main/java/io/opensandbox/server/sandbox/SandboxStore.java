package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.SandboxState;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.server.json.JsonText;
import io.opensandbox.server.store.Database;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The sandboxes' table. Changes that depend on what a row was say so in their `WHERE`, so that of
/// two racing writers, in this process or another, one loses and knows it.
final class SandboxStore {
  private static final String COLUMNS =
      "id, tenant, intent, state, reason, message, changed_at, created_at, expires_at, image_uri,"
          + " snapshot_id, platform, entrypoint, metadata, renew_seconds, version, acknowledged";

  private final Database database;

  SandboxStore(Database database) {
    this.database = database;
  }

  /// One page of what matches, and how many match.
  record Page(List<SandboxRow> rows, int total) {}

  /// Adds a row; one that is there already stays as it is.
  ///
  /// @param requestJson what is needed to go on after a crash; may hold secrets
  void insert(SandboxRow row, @Nullable String requestJson) {
    database.write(connection -> insert(connection, row, requestJson, null));
  }

  /// Adds a row under a client's idempotency key, unless the key was used already.
  ///
  /// @return how it was used, or empty when the row was added
  Optional<EarlierCreate> insertOnce(SandboxRow row, String requestJson, IdempotencyKey key) {
    return database.write(connection -> {
      Optional<EarlierCreate> earlier = EarlierCreate.claim(connection, row, key);
      if (earlier.isEmpty()) {
        insert(connection, row, requestJson, null);
      }
      return earlier;
    });
  }

  /// Records what the client of a create with an idempotency key was answered.
  void recordResponse(String tenant, IdempotencyKey key, String response) {
    database.write(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "UPDATE idempotency SET response = ?"
                  + " WHERE tenant = ? AND idempotency_key = ?")) {
        statement.setString(1, response);
        statement.setString(2, tenant);
        statement.setString(3, key.value());
        return statement.executeUpdate();
      }
    });
  }

  /// Forgets idempotency keys that are older than `before`.
  void forgetKeys(Instant before) {
    database.write(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("DELETE FROM idempotency WHERE created_at < ?")) {
        statement.setLong(1, micros(before));
        return statement.executeUpdate();
      }
    });
  }

  private static boolean insert(
      Connection connection, SandboxRow row, @Nullable String requestJson, @Nullable String claim)
      throws SQLException {
    String sql =
        "INSERT INTO sandboxes ("
            + COLUMNS
            + ", provision, claimed_by) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
            + " ON CONFLICT (id) DO NOTHING";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setString(1, row.id());
      statement.setString(2, row.tenant());
      statement.setString(3, row.intent().name());
      statement.setString(4, row.status().state().wire());
      statement.setString(5, row.status().reason());
      statement.setString(6, row.status().message());
      statement.setLong(7, micros(row.status().since()));
      statement.setLong(8, micros(row.createdAt()));
      setMicros(statement, 9, row.expiresAt());
      SandboxRow.Definition definition = row.definition();
      statement.setString(10, definition.image());
      statement.setString(11, definition.snapshotId().orElse(null));
      statement.setString(12, definition.platform().map(p -> p.os() + "/" + p.arch()).orElse(null));
      statement.setString(13, JsonText.array(definition.entrypoint()));
      statement.setString(14, JsonText.object(row.metadata()));
      if (definition.accessRenewSeconds().isPresent()) {
        statement.setInt(15, definition.accessRenewSeconds().getAsInt());
      } else {
        statement.setNull(15, Types.INTEGER);
      }
      statement.setLong(16, row.version());
      statement.setInt(17, row.acknowledged() ? 1 : 0);
      statement.setString(18, requestJson);
      statement.setString(19, claim);
      return statement.executeUpdate() == 1;
    }
  }

  Optional<SandboxRow> find(String id) {
    return database.read(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT " + COLUMNS + " FROM sandboxes WHERE id = ?")) {
        statement.setString(1, id);
        List<SandboxRow> rows = rows(statement);
        return rows.isEmpty() ? Optional.empty() : Optional.of(rows.getFirst());
      }
    });
  }

  /// Every row, oldest first.
  List<SandboxRow> all() {
    return database.read(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT " + COLUMNS + " FROM sandboxes ORDER BY created_at")) {
        return rows(statement);
      }
    });
  }

  /// Visible rows, newest first.
  ///
  /// @param tenant only of this tenant; empty text for all
  List<SandboxRow> visible(String tenant) {
    return database.read(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT "
                  + COLUMNS
                  + " FROM sandboxes WHERE intent <> 'FORGET' AND (? = '' OR tenant = ?)"
                  + " ORDER BY created_at DESC, id DESC")) {
        statement.setString(1, tenant);
        statement.setString(2, tenant);
        return rows(statement);
      }
    });
  }

  /// One page of the visible rows, newest first, without other filters.
  Page page(String tenant, int page, int pageSize) {
    return database.read(connection -> {
      int total = 0;
      try (PreparedStatement count =
          connection.prepareStatement(
              "SELECT COUNT(*) FROM sandboxes WHERE intent <> 'FORGET'"
                  + " AND (? = '' OR tenant = ?)")) {
        count.setString(1, tenant);
        count.setString(2, tenant);
        try (ResultSet result = count.executeQuery()) {
          if (result.next()) {
            total = result.getInt(1);
          }
        }
      }
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT "
                  + COLUMNS
                  + " FROM sandboxes WHERE intent <> 'FORGET' AND (? = '' OR tenant = ?)"
                  + " ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?")) {
        statement.setString(1, tenant);
        statement.setString(2, tenant);
        statement.setInt(3, pageSize);
        statement.setLong(4, (long) (page - 1) * pageSize);
        return new Page(rows(statement), total);
      }
    });
  }

  /// The stored request of a row that is being made.
  Optional<String> requestJson(String id) {
    return database.read(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT provision FROM sandboxes WHERE id = ?")) {
        statement.setString(1, id);
        try (ResultSet result = statement.executeQuery()) {
          return result.next()
              ? Optional.ofNullable(result.getString(1))
              : Optional.<String>empty();
        }
      }
    });
  }

  /// Ends the making of a sandbox: nobody works on it any more and the request is wiped.
  ///
  /// @return whether it was still wanted
  boolean finishCreate(String id, Intent next, Status status) {
    return database.write(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "UPDATE sandboxes SET intent = ?, state = ?, reason = ?, message = ?,"
                  + " changed_at = ?, provision = NULL, claimed_by = NULL"
                  + " WHERE id = ? AND intent = 'CREATE'")) {
        statement.setString(1, next.name());
        setStatus(statement, 2, status);
        statement.setString(6, id);
        return statement.executeUpdate() == 1;
      }
    });
  }

  /// Ends the making of a sandbox that failed after the client was told of it.
  ///
  /// @param latest when the row goes at the latest; it goes earlier if it expires
  /// @return whether it was still wanted
  boolean failCreate(String id, Status status, Instant latest) {
    return database.write(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "UPDATE sandboxes SET intent = 'KEEP_FAILED', state = ?, reason = ?,"
                  + " message = ?, changed_at = ?, provision = NULL, claimed_by = NULL,"
                  + " expires_at = CASE WHEN expires_at < ? THEN expires_at ELSE ? END"
                  + " WHERE id = ? AND intent = 'CREATE'")) {
        setStatus(statement, 1, status);
        statement.setLong(5, micros(latest));
        statement.setLong(6, micros(latest));
        statement.setString(7, id);
        return statement.executeUpdate() == 1;
      }
    });
  }

  /// Records that the client is told of a sandbox that is still being made.
  boolean acknowledge(String id) {
    return update("UPDATE sandboxes SET acknowledged = 1 WHERE id = ? AND intent = 'CREATE'", id);
  }

  /// Sets what a sandbox with `intent` is doing.
  boolean updateStatus(String id, Intent intent, Status status) {
    return database.write(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "UPDATE sandboxes SET state = ?, reason = ?, message = ?, changed_at = ?"
                  + " WHERE id = ? AND intent = ?")) {
        setStatus(statement, 1, status);
        statement.setString(5, id);
        statement.setString(6, intent.name());
        return statement.executeUpdate() == 1;
      }
    });
  }

  /// Sets the intent to remove, whatever it was. False when the row is gone.
  boolean markForRemoval(String id, Intent intent, Status status) {
    return database.write(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "UPDATE sandboxes SET intent = ?, state = ?, reason = ?, message = ?,"
                  + " changed_at = ?, provision = NULL WHERE id = ?")) {
        statement.setString(1, intent.name());
        setStatus(statement, 2, status);
        statement.setString(6, id);
        return statement.executeUpdate() == 1;
      }
    });
  }

  /// Sets a new expiry, if the row is wanted and has one.
  boolean renew(String id, Instant expiresAt) {
    return database.write(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "UPDATE sandboxes SET expires_at = ? WHERE id = ? AND expires_at IS NOT NULL"
                  + " AND intent IN ('CREATE', 'KEEP', 'KEEP_FAILED')")) {
        statement.setLong(1, micros(expiresAt));
        statement.setString(2, id);
        return statement.executeUpdate() == 1;
      }
    });
  }

  /// Sets the metadata, if the row still has `version`.
  boolean updateMetadata(String id, Map<String, String> metadata, long version) {
    return database.write(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "UPDATE sandboxes SET metadata = ?, version = version + 1"
                  + " WHERE id = ? AND version = ?")) {
        statement.setString(1, JsonText.object(metadata));
        statement.setString(2, id);
        statement.setLong(3, version);
        return statement.executeUpdate() == 1;
      }
    });
  }

  /// Removes a row; absent is fine. The idempotency key of a create that nobody was told of is free
  /// again.
  void delete(String id) {
    database.write(connection -> {
      try (PreparedStatement keys =
              connection.prepareStatement(
                  "DELETE FROM idempotency WHERE sandbox_id = ? AND response IS NULL");
          PreparedStatement row =
              connection.prepareStatement("DELETE FROM sandboxes WHERE id = ?")) {
        keys.setString(1, id);
        keys.executeUpdate();
        row.setString(1, id);
        return row.executeUpdate();
      }
    });
  }

  /// How many sandboxes are in each state.
  Map<String, Integer> countByState() {
    return database.read(connection -> {
      Map<String, Integer> counts = new TreeMap<>();
      try (PreparedStatement statement =
              connection.prepareStatement(
                  "SELECT state, COUNT(*) FROM sandboxes WHERE intent <> 'FORGET'"
                      + " GROUP BY state");
          ResultSet result = statement.executeQuery()) {
        while (result.next()) {
          counts.put(result.getString(1), result.getInt(2));
        }
      }
      return counts;
    });
  }

  /// When the next sandbox that is not being removed expires.
  Optional<Instant> nextExpiry() {
    return database.read(connection -> {
      try (PreparedStatement statement =
              connection.prepareStatement(
                  "SELECT MIN(expires_at) FROM sandboxes"
                      + " WHERE intent IN ('CREATE', 'KEEP', 'KEEP_FAILED')");
          ResultSet result = statement.executeQuery()) {
        if (!result.next()) {
          return Optional.<Instant>empty();
        }
        long micros = result.getLong(1);
        return result.wasNull() ? Optional.empty() : Optional.of(instant(micros));
      }
    });
  }

  /// Ids of the sandboxes that are wanted but over their time.
  List<String> overdue(Instant now) {
    return database.read(connection -> {
      try (PreparedStatement statement =
          connection.prepareStatement(
              "SELECT id FROM sandboxes WHERE expires_at <= ?"
                  + " AND intent IN ('CREATE', 'KEEP', 'KEEP_FAILED') ORDER BY expires_at")) {
        statement.setLong(1, micros(now));
        List<String> ids = new ArrayList<>();
        try (ResultSet result = statement.executeQuery()) {
          while (result.next()) {
            ids.add(result.getString(1));
          }
        }
        return ids;
      }
    });
  }

  private boolean update(String sql, String id) {
    return database.write(connection -> {
      try (PreparedStatement statement = connection.prepareStatement(sql)) {
        statement.setString(1, id);
        return statement.executeUpdate() == 1;
      }
    });
  }

  private static void setStatus(PreparedStatement statement, int first, Status status)
      throws SQLException {
    statement.setString(first, status.state().wire());
    statement.setString(first + 1, status.reason());
    statement.setString(first + 2, status.message());
    statement.setLong(first + 3, micros(status.since()));
  }

  private static void setMicros(PreparedStatement statement, int index, Optional<Instant> instant)
      throws SQLException {
    if (instant.isPresent()) {
      statement.setLong(index, micros(instant.get()));
    } else {
      statement.setNull(index, Types.BIGINT);
    }
  }

  private static List<SandboxRow> rows(PreparedStatement statement) throws SQLException {
    List<SandboxRow> rows = new ArrayList<>();
    try (ResultSet result = statement.executeQuery()) {
      while (result.next()) {
        rows.add(row(result));
      }
    }
    return rows;
  }

  private static SandboxRow row(ResultSet result) throws SQLException {
    long expires = result.getLong(9);
    Optional<Instant> expiresAt =
        result.wasNull() ? Optional.empty() : Optional.of(instant(expires));
    int renew = result.getInt(15);
    OptionalInt renewSeconds = result.wasNull() ? OptionalInt.empty() : OptionalInt.of(renew);
    var status =
        new Status(
            SandboxState.parse(result.getString(4)).orElse(SandboxState.UNKNOWN),
            result.getString(5),
            result.getString(6),
            instant(result.getLong(7)));
    var definition =
        new SandboxRow.Definition(
            result.getString(10),
            Optional.ofNullable(result.getString(11)),
            platform(result.getString(12)),
            StoredJson.readList(result.getString(13)),
            renewSeconds);
    return new SandboxRow(
        result.getString(1),
        result.getString(2),
        Intent.valueOf(result.getString(3)),
        status,
        instant(result.getLong(8)),
        expiresAt,
        definition,
        StoredJson.readMap(result.getString(14)),
        result.getLong(16),
        result.getInt(17) == 1);
  }

  private static Optional<ImageRequest.Platform> platform(@Nullable String text) {
    if (text == null) {
      return Optional.empty();
    }
    int slash = text.indexOf('/');
    return Optional.of(
        new ImageRequest.Platform(text.substring(0, slash), text.substring(slash + 1)));
  }

  static long micros(Instant instant) {
    return ChronoUnit.MICROS.between(Instant.EPOCH, instant);
  }

  private static Instant instant(long micros) {
    return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
  }
}
