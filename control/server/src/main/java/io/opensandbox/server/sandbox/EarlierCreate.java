package io.opensandbox.server.sandbox;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;

/// A create that was done under an idempotency key before.
///
/// @param response what its client was answered; empty while it is under way
record EarlierCreate(String requestHash, Optional<String> response) {
  /// Takes a key for a row, or says who has it.
  static Optional<EarlierCreate> claim(Connection connection, SandboxRow row, IdempotencyKey key)
      throws SQLException {
    try (PreparedStatement insert =
            connection.prepareStatement(
                "INSERT INTO idempotency (tenant, idempotency_key, request_hash, sandbox_id,"
                    + " response, created_at) VALUES (?,?,?,?,NULL,?)"
                    + " ON CONFLICT (tenant, idempotency_key) DO NOTHING");
        PreparedStatement select =
            connection.prepareStatement(
                "SELECT request_hash, response FROM idempotency"
                    + " WHERE tenant = ? AND idempotency_key = ?")) {
      insert.setString(1, row.tenant());
      insert.setString(2, key.value());
      insert.setString(3, key.requestHash());
      insert.setString(4, row.id());
      insert.setLong(5, SandboxStore.micros(row.createdAt()));
      if (insert.executeUpdate() == 1) {
        return Optional.empty();
      }
      select.setString(1, row.tenant());
      select.setString(2, key.value());
      try (ResultSet result = select.executeQuery()) {
        if (!result.next()) {
          throw new SQLException("the idempotency key vanished while it was read");
        }
        return Optional.of(
            new EarlierCreate(result.getString(1), Optional.ofNullable(result.getString(2))));
      }
    }
  }
}
