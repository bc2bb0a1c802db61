package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.SandboxState;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.server.json.JsonText;
import io.opensandbox.server.store.Database;
import io.opensandbox.server.store.Leases;
import io.opensandbox.server.store.Row;
import io.opensandbox.server.store.Sql;
import io.opensandbox.server.store.Store;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The sandboxes' table. Changes that depend on what a row was say so in their `WHERE`, so that of
/// two racing writers, in this process or another, one loses and knows it.
final class SandboxStore {
  private static final String COLUMNS =
      "id, tenant, intent, state, reason, message, changed_at, created_at, expires_at, image_uri,"
          + " snapshot_id, platform, entrypoint, metadata, renew_seconds, version, acknowledged";
  private static final String WANTED = "intent IN ('CREATE', 'KEEP', 'KEEP_FAILED')";
  private static final String VISIBLE =
      "intent NOT IN ('FORGET', 'FILL', 'WARM') AND (? = '' OR tenant = ?)";
  private static final String NEWEST_FIRST = " ORDER BY created_at DESC, id DESC";

  private final Database database;
  private final Leases makers;
  private final Leases locks;

  SandboxStore(Store store) {
    this.database = store.database();
    this.makers = store.leases("sandboxes", "claimed");
    this.locks = store.leases("sandboxes", "locked");
  }

  /// One page of what matches, and how many match.
  record Page(List<SandboxRow> rows, int total) {}

  /// Which server is making a sandbox.
  Leases makers() {
    return makers;
  }

  /// Which server is doing something else to a sandbox.
  Leases locks() {
    return locks;
  }

  /// Adds a row that this server begins to make; one that is there already stays as it is.
  ///
  /// @param requestJson what is needed to go on after a crash; may hold secrets
  void insert(SandboxRow row, String requestJson) {
    database.write(connection -> insert(connection, row, requestJson));
  }

  /// Adds a row for a sandbox that is made already; one that is there already stays as it is.
  void adopt(SandboxRow row) {
    database.write(connection -> insert(connection, row, null));
  }

  /// Adds a row under a client's idempotency key, unless the key was used already.
  ///
  /// @return how it was used, or empty when the row was added
  Optional<EarlierCreate> insertOnce(SandboxRow row, String requestJson, IdempotencyKey key) {
    return database.write(connection -> {
      Optional<EarlierCreate> earlier = EarlierCreate.claim(connection, row, key);
      if (earlier.isEmpty()) {
        insert(connection, row, requestJson);
      }
      return earlier;
    });
  }

  /// Adds rows that this server begins to make, all of them or none.
  void insertAll(List<SandboxRow> rows, String requestJson) {
    database.write(connection -> insertEach(connection, rows, requestJson));
  }

  private int insertEach(Connection connection, List<SandboxRow> rows, String requestJson)
      throws SQLException {
    for (SandboxRow row : rows) {
      insert(connection, row, requestJson);
    }
    return rows.size();
  }

  /// Adds rows under a client's idempotency key, unless the key was used already.
  ///
  /// @param owner id that stands for all of them
  /// @return how it was used, or empty when the rows were added
  Optional<EarlierCreate> insertAllOnce(
      List<SandboxRow> rows, String requestJson, String owner, IdempotencyKey key) {
    SandboxRow first = rows.getFirst();
    return database.write(connection -> {
      Optional<EarlierCreate> earlier =
          EarlierCreate.claim(connection, first.tenant(), owner, first.createdAt(), key);
      if (earlier.isEmpty()) {
        insertEach(connection, rows, requestJson);
      }
      return earlier;
    });
  }

  /// What became of the create that used an idempotency key; empty when the key is free again.
  Optional<EarlierCreate> earlier(String tenant, IdempotencyKey key) {
    return database.read(connection -> EarlierCreate.find(connection, tenant, key));
  }

  /// Records what the client of a create with an idempotency key was answered.
  void recordResponse(String tenant, IdempotencyKey key, String response) {
    database.write(connection ->
        Sql.of(
                connection,
                "UPDATE idempotency SET response = ? WHERE tenant = ? AND idempotency_key = ?")
            .with(response)
            .with(tenant)
            .with(key.value())
            .update());
  }

  /// Forgets idempotency keys that are older than `before`.
  void forgetKeys(Instant before) {
    database.write(connection ->
        Sql.of(connection, "DELETE FROM idempotency WHERE created_at < ?").with(before).update());
  }

  boolean insert(Connection connection, SandboxRow row, @Nullable String requestJson)
      throws SQLException {
    boolean made = requestJson == null;
    SandboxRow.Definition definition = row.definition();
    return Sql.of(
            connection,
            "INSERT INTO sandboxes ("
                + COLUMNS
                + ", provision, claimed_by, claimed_until)"
                + " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
                + (made ? "NULL" : makers.deadline())
                + ") ON CONFLICT (id) DO NOTHING")
        .with(row.id())
        .with(row.tenant())
        .with(row.intent().name())
        .with(row.status().state().wire())
        .with(row.status().reason())
        .with(row.status().message())
        .with(row.status().since())
        .with(row.createdAt())
        .withInstant(row.expiresAt())
        .with(definition.image())
        .withText(definition.snapshotId())
        .withText(definition.platform().map(p -> p.os() + "/" + p.arch()))
        .with(JsonText.array(definition.entrypoint()))
        .with(JsonText.object(row.metadata()))
        .with(definition.accessRenewSeconds())
        .with(row.version())
        .with(row.acknowledged())
        .with(requestJson)
        .with(made ? null : makers.holder())
        .updateOne();
  }

  Optional<SandboxRow> find(String id) {
    return database.read(connection ->
        Sql.of(connection, "SELECT " + COLUMNS + " FROM sandboxes WHERE id = ?")
            .with(id)
            .first(SandboxStore::row));
  }

  /// Every row, oldest first.
  List<SandboxRow> all() {
    return database.read(connection ->
        Sql.of(connection, "SELECT " + COLUMNS + " FROM sandboxes ORDER BY created_at, id")
            .list(SandboxStore::row));
  }

  /// Every row that clients see, newest first.
  ///
  /// @param tenant empty text for all
  List<SandboxRow> visible(String tenant) {
    return database.read(connection ->
        Sql.of(connection, "SELECT " + COLUMNS + " FROM sandboxes WHERE " + VISIBLE + NEWEST_FIRST)
            .with(tenant)
            .with(tenant)
            .list(SandboxStore::row));
  }

  /// One page of the visible rows, newest first, without other filters.
  Page page(String tenant, int page, int pageSize) {
    return database.read(connection -> {
      long total =
          Sql.of(connection, "SELECT COUNT(*) AS total FROM sandboxes WHERE " + VISIBLE)
              .with(tenant)
              .with(tenant)
              .first(row -> row.number("total"))
              .orElse(0L);
      List<SandboxRow> rows =
          Sql.of(
                  connection,
                  "SELECT "
                      + COLUMNS
                      + " FROM sandboxes WHERE "
                      + VISIBLE
                      + NEWEST_FIRST
                      + " LIMIT ? OFFSET ?")
              .with(tenant)
              .with(tenant)
              .with(pageSize)
              .with((long) (page - 1) * pageSize)
              .list(SandboxStore::row);
      return new Page(rows, (int) total);
    });
  }

  /// The stored request of a row that is being made.
  Optional<String> requestJson(String id) {
    return database.read(connection ->
        Sql.of(connection, "SELECT provision FROM sandboxes WHERE id = ? AND provision IS NOT NULL")
            .with(id)
            .first(row -> row.text("provision")));
  }

  /// Ends the making of a sandbox: nobody works on it any more and the request is wiped.
  ///
  /// @return whether it was still wanted, and still this server's to make
  boolean finishCreate(String id, Intent next, Status status) {
    return database.write(connection ->
        status(
                Sql.of(
                        connection,
                        "UPDATE sandboxes SET intent = ?, state = ?, reason = ?, message = ?,"
                            + " changed_at = ?, provision = NULL, claimed_by = NULL,"
                            + " claimed_until = NULL"
                            + " WHERE id = ? AND intent IN ('CREATE', 'FILL')"
                            + " AND claimed_by = ?")
                    .with(next.name()),
                status)
            .with(id)
            .with(makers.holder())
            .updateOne());
  }

  /// Ends the making of a sandbox that failed after the client was told of it.
  ///
  /// @param latest when the row goes at the latest; it goes earlier if it expires
  /// @return whether it was still wanted, and still this server's to make
  boolean failCreate(String id, Status status, Instant latest) {
    return database.write(connection ->
        status(
                Sql.of(
                    connection,
                    "UPDATE sandboxes SET intent = 'KEEP_FAILED', state = ?, reason = ?,"
                        + " message = ?, changed_at = ?, provision = NULL, claimed_by = NULL,"
                        + " claimed_until = NULL,"
                        + " expires_at = CASE WHEN expires_at < ? THEN expires_at ELSE ? END"
                        + " WHERE id = ? AND intent = 'CREATE' AND claimed_by = ?"),
                status)
            .with(latest)
            .with(latest)
            .with(id)
            .with(makers.holder())
            .updateOne());
  }

  /// Records that the client is told of a sandbox that is still being made.
  boolean acknowledge(String id) {
    return database.write(connection ->
        Sql.of(
                connection,
                "UPDATE sandboxes SET acknowledged = 1 WHERE id = ? AND intent = 'CREATE'")
            .with(id)
            .updateOne());
  }

  /// Ids of the sandboxes that this server is making although they are not wanted any more, because
  /// another server was told to delete them.
  List<String> unwanted() {
    return database.read(connection ->
        Sql.of(
                connection,
                "SELECT id FROM sandboxes WHERE claimed_by = ?"
                    + " AND intent NOT IN ('CREATE', 'FILL')")
            .with(makers.holder())
            .list(row -> row.text("id")));
  }

  /// Ids of the sandboxes that are half made or half removed and on which no server works.
  List<String> abandoned() {
    return database.read(connection ->
        Sql.of(
                connection,
                "SELECT id FROM sandboxes WHERE intent IN ('CREATE', 'FILL', 'REMOVE',"
                    + " 'FORGET') AND "
                    + makers.isFree()
                    + " AND "
                    + locks.isFree())
            .list(row -> row.text("id")));
  }

  /// Sets what a sandbox with `intent` is doing.
  boolean updateStatus(String id, Intent intent, Status status) {
    return database.write(connection ->
        status(
                Sql.of(
                    connection,
                    "UPDATE sandboxes SET state = ?, reason = ?, message = ?, changed_at = ?"
                        + " WHERE id = ? AND intent = ?"),
                status)
            .with(id)
            .with(intent.name())
            .updateOne());
  }

  /// Sets the intent to remove, whatever it was. False when the row is gone.
  boolean markForRemoval(String id, Intent intent, Status status) {
    return database.write(connection ->
        status(
                Sql.of(
                        connection,
                        "UPDATE sandboxes SET intent = ?, state = ?, reason = ?, message = ?,"
                            + " changed_at = ?, provision = NULL WHERE id = ?")
                    .with(intent.name()),
                status)
            .with(id)
            .updateOne());
  }

  /// Sets the intent to remove a member of a pool. False when somebody has claimed it, or it is
  /// gone.
  boolean markMemberForRemoval(String id, Status status) {
    return database.write(connection ->
        status(
                Sql.of(
                    connection,
                    "UPDATE sandboxes SET intent = 'FORGET', state = ?, reason = ?, message = ?,"
                        + " changed_at = ?, provision = NULL"
                        + " WHERE id = ? AND intent IN ('FILL', 'WARM')"),
                status)
            .with(id)
            .updateOne());
  }

  /// Sets a new expiry, if the row is wanted and has one.
  boolean renew(String id, Instant expiresAt) {
    return database.write(connection ->
        Sql.of(
                connection,
                "UPDATE sandboxes SET expires_at = ? WHERE id = ? AND expires_at IS NOT NULL AND "
                    + WANTED)
            .with(expiresAt)
            .with(id)
            .updateOne());
  }

  /// Sets the metadata, if the row still has `version`.
  boolean updateMetadata(String id, Map<String, String> metadata, long version) {
    return database.write(connection ->
        Sql.of(
                connection,
                "UPDATE sandboxes SET metadata = ?, version = version + 1"
                    + " WHERE id = ? AND version = ?")
            .with(JsonText.object(metadata))
            .with(id)
            .with(version)
            .updateOne());
  }

  /// Removes a row; absent is fine. The idempotency key of a create that nobody was told of is free
  /// again.
  void delete(String id) {
    database.write(connection -> {
      Sql.of(connection, "DELETE FROM idempotency WHERE sandbox_id = ? AND response IS NULL")
          .with(id)
          .update();
      return Sql.of(connection, "DELETE FROM sandboxes WHERE id = ?").with(id).update();
    });
  }

  /// How many sandboxes are in each state.
  Map<String, Integer> countByState() {
    Map<String, Integer> counts = new TreeMap<>();
    database
        .read(connection ->
            Sql.of(
                    connection,
                    "SELECT state, COUNT(*) AS total FROM sandboxes"
                        + " WHERE intent NOT IN ('FORGET', 'FILL', 'WARM')"
                        + " GROUP BY state")
                .list(row -> Map.entry(row.text("state"), (int) row.number("total"))))
        .forEach(count -> counts.put(count.getKey(), count.getValue()));
    return counts;
  }

  /// When the next sandbox expires that is wanted and on which no server works.
  Optional<Instant> nextExpiry() {
    return database.read(connection ->
        Sql.of(
                connection,
                "SELECT MIN(expires_at) AS next FROM sandboxes WHERE "
                    + WANTED
                    + " AND "
                    + locks.isFree())
            .first(row -> row.maybeInstant("next"))
            .flatMap(next -> next));
  }

  /// Ids of the sandboxes that are wanted but over their time and on which no server works.
  List<String> overdue(Instant now) {
    return database.read(connection ->
        Sql.of(
                connection,
                "SELECT id FROM sandboxes WHERE expires_at <= ? AND "
                    + WANTED
                    + " AND "
                    + locks.isFree()
                    + " ORDER BY expires_at")
            .with(now)
            .list(row -> row.text("id")));
  }

  private static Sql status(Sql sql, Status status) {
    return sql.with(status.state().wire())
        .with(status.reason())
        .with(status.message())
        .with(status.since());
  }

  private static SandboxRow row(Row row) throws SQLException {
    var status =
        new Status(
            SandboxState.parse(row.text("state")).orElse(SandboxState.UNKNOWN),
            row.text("reason"),
            row.text("message"),
            row.instant("changed_at"));
    var definition =
        new SandboxRow.Definition(
            row.maybeText("image_uri").orElse(""),
            row.maybeText("snapshot_id"),
            row.maybeText("platform").map(SandboxStore::platform),
            StoredJson.readList(row.text("entrypoint")),
            row.maybeInteger("renew_seconds"));
    return new SandboxRow(
        row.text("id"),
        row.text("tenant"),
        Intent.valueOf(row.text("intent")),
        status,
        row.instant("created_at"),
        row.maybeInstant("expires_at"),
        definition,
        StoredJson.readMap(row.text("metadata")),
        row.number("version"),
        row.flag("acknowledged"));
  }

  private static ImageRequest.Platform platform(String text) {
    int slash = text.indexOf('/');
    return new ImageRequest.Platform(text.substring(0, slash), text.substring(slash + 1));
  }
}
