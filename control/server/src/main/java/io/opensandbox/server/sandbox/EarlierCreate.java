package io.opensandbox.server.sandbox;

import io.opensandbox.server.store.Sql;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Optional;

/// A create that was done under an idempotency key before.
///
/// @param sandboxId of what was made; the common id of several copies
/// @param response what its client was answered; empty while it is under way
record EarlierCreate(String requestHash, String sandboxId, Optional<String> response) {
  /// Takes a key for a row, or says who has it.
  static Optional<EarlierCreate> claim(Connection connection, SandboxRow row, IdempotencyKey key)
      throws SQLException {
    return claim(connection, row.tenant(), row.id(), row.createdAt(), key);
  }

  /// Takes a key for whatever has the id `owner`, or says who has it.
  static Optional<EarlierCreate> claim(
      Connection connection, String tenant, String owner, Instant now, IdempotencyKey key)
      throws SQLException {
    boolean taken =
        Sql.of(
                connection,
                "INSERT INTO idempotency (tenant, idempotency_key, request_hash, sandbox_id,"
                    + " response, created_at) VALUES (?,?,?,?,NULL,?)"
                    + " ON CONFLICT (tenant, idempotency_key) DO NOTHING")
            .with(tenant)
            .with(key.value())
            .with(key.requestHash())
            .with(owner)
            .with(now)
            .updateOne();
    if (taken) {
      return Optional.empty();
    }
    return Optional.of(
        find(connection, tenant, key)
            .orElseThrow(() ->
                // Its create failed this instant; the whole transaction is run again.
                new SQLException("the idempotency key was freed while it was read", "40001")));
  }

  /// The create that used a key.
  static Optional<EarlierCreate> find(Connection connection, String tenant, IdempotencyKey key)
      throws SQLException {
    return Sql.of(
            connection,
            "SELECT request_hash, sandbox_id, response FROM idempotency"
                + " WHERE tenant = ? AND idempotency_key = ?")
        .with(tenant)
        .with(key.value())
        .first(row ->
            new EarlierCreate(
                row.text("request_hash"), row.text("sandbox_id"), row.maybeText("response")));
  }
}
