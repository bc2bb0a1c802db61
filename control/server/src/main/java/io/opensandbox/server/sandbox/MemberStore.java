package io.opensandbox.server.sandbox;

import io.opensandbox.server.json.JsonText;
import io.opensandbox.server.store.Database;
import io.opensandbox.server.store.Leases;
import io.opensandbox.server.store.Sql;
import io.opensandbox.server.store.Store;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/// The pools' side of the sandboxes' table: rows with [Intent#FILL] and [Intent#WARM], and how they
/// become a client's.
final class MemberStore {
  private final Database database;
  private final Leases makers;
  private final SandboxStore sandboxes;

  MemberStore(Store store, SandboxStore sandboxes) {
    this.database = store.database();
    this.makers = sandboxes.makers();
    this.sandboxes = sandboxes;
  }

  /// Adds the row of a member that is about to be made, if the pool still has that template and
  /// `allowed` agrees with the numbers of this moment. Servers that share the store do this one
  /// after the other.
  boolean reserve(SandboxRow row, PoolTemplate template, Predicate<Members.Counts> allowed) {
    return database.write(connection -> {
      boolean current =
          Sql.of(connection, "UPDATE pools SET serial = serial + 1 WHERE name = ? AND revision = ?")
              .with(template.pool())
              .with(template.revision())
              .updateOne();
      if (!current || !allowed.test(count(connection, template.pool()))) {
        return false;
      }
      boolean added = sandboxes.insert(connection, row, "{}");
      Sql.of(connection, "UPDATE sandboxes SET pool = ?, pool_revision = ? WHERE id = ?")
          .with(template.pool())
          .with(template.revision())
          .with(row.id())
          .update();
      return added;
    });
  }

  /// How many sandboxes a pool has.
  Members.Counts count(String pool) {
    return database.read(connection -> count(connection, pool));
  }

  private static Members.Counts count(Connection connection, String pool) throws SQLException {
    int making = 0;
    int ready = 0;
    int claimed = 0;
    for (Group group :
        Sql.of(
                connection,
                "SELECT intent, state, COUNT(*) AS total FROM sandboxes WHERE pool = ?"
                    + " GROUP BY intent, state")
            .with(pool)
            .list(row ->
                new Group(
                    Intent.valueOf(row.text("intent")),
                    row.text("state"),
                    (int) row.number("total")))) {
      switch (group.intent()) {
        case FILL -> making += group.total();
        case WARM -> ready += group.state().equals("Running") ? group.total() : 0;
        case CREATE, KEEP, KEEP_FAILED, REMOVE -> claimed += group.total();
        case FORGET -> {} // gone as far as anybody can tell
      }
    }
    return new Members.Counts(making, ready, claimed);
  }

  private record Group(Intent intent, String state, int total) {}

  /// The members of a pool that nobody has claimed, oldest first.
  List<Members.Idle> idle(String pool) {
    return database.read(connection ->
        Sql.of(
                connection,
                "SELECT id, pool_revision, intent, state FROM sandboxes"
                    + " WHERE pool = ? AND intent IN ('FILL', 'WARM') ORDER BY created_at, id")
            .with(pool)
            .list(row ->
                new Members.Idle(
                    row.text("id"),
                    row.text("pool_revision"),
                    row.text("intent").equals("WARM"),
                    row.text("state").equals("Running"))));
  }

  /// Names of the pools that have members nobody has claimed, also of pools that are gone.
  List<String> pools() {
    return database.read(connection ->
        Sql.of(
                connection,
                "SELECT DISTINCT pool FROM sandboxes WHERE pool IS NOT NULL"
                    + " AND intent IN ('FILL', 'WARM')")
            .list(row -> row.text("pool")));
  }

  /// Ids of the members that may be claimed, oldest first, at most `limit`.
  List<String> claimable(PoolTemplate template, int limit) {
    return database.read(connection ->
        Sql.of(
                connection,
                "SELECT id FROM sandboxes WHERE pool = ? AND pool_revision = ?"
                    + " AND intent = 'WARM' AND state = 'Running'"
                    + " ORDER BY created_at, id LIMIT ?")
            .with(template.pool())
            .with(template.revision())
            .with(limit)
            .list(row -> row.text("id")));
  }

  /// Makes a member a sandbox that this server is making for a client, under the client's
  /// idempotency key if there is one.
  ///
  /// @param wanted what the client asked for; its id and image are not used
  Claim claim(String id, SandboxRow wanted, Optional<IdempotencyKey> key) {
    return database.write(connection -> {
      if (!take(connection, id, wanted)) {
        return new Claim.Lost();
      }
      if (key.isEmpty()) {
        return new Claim.Taken();
      }
      Optional<EarlierCreate> earlier =
          EarlierCreate.claim(connection, wanted.tenant(), id, wanted.createdAt(), key.get());
      if (earlier.isEmpty()) {
        return new Claim.Taken();
      }
      giveBack(connection, id);
      return new Claim.Repeated(earlier.get());
    });
  }

  private boolean take(Connection connection, String id, SandboxRow wanted) throws SQLException {
    return Sql.of(
            connection,
            "UPDATE sandboxes SET intent = 'CREATE', tenant = ?, created_at = ?, changed_at = ?,"
                + " expires_at = ?, entrypoint = ?, metadata = ?, renew_seconds = ?,"
                + " claimed_by = ?, claimed_until = "
                + makers.deadline()
                + " WHERE id = ? AND intent = 'WARM'")
        .with(wanted.tenant())
        .with(wanted.createdAt())
        .with(wanted.createdAt())
        .withInstant(wanted.expiresAt())
        .with(JsonText.array(wanted.definition().entrypoint()))
        .with(JsonText.object(wanted.metadata()))
        .with(wanted.definition().accessRenewSeconds())
        .with(makers.holder())
        .with(id)
        .updateOne();
  }

  // Nothing of it was used yet.
  private static void giveBack(Connection connection, String id) throws SQLException {
    Sql.of(
            connection,
            "UPDATE sandboxes SET intent = 'WARM', tenant = '', expires_at = NULL,"
                + " metadata = '{}', renew_seconds = NULL, claimed_by = NULL,"
                + " claimed_until = NULL WHERE id = ?")
        .with(id)
        .update();
  }

  /// How a claim went.
  sealed interface Claim {
    /// The member is the client's.
    record Taken() implements Claim {}

    /// Somebody else was faster.
    record Lost() implements Claim {}

    /// The client's key was used before; the member still waits.
    record Repeated(EarlierCreate earlier) implements Claim {}
  }
}
