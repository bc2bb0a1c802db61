package io.opensandbox.server.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/// Brings a database to the newest schema, one numbered step after the other, each once.
public final class Migrations {
  /// A step is never changed once released; a correction is a new step.
  private static final List<String> STEPS =
      List.of(
          """
          CREATE TABLE IF NOT EXISTS snapshots (
            id TEXT PRIMARY KEY,
            source_sandbox_id TEXT NOT NULL,
            name TEXT,
            description TEXT,
            restore_config TEXT NOT NULL,
            state TEXT NOT NULL,
            reason TEXT,
            message TEXT,
            last_transition_at TEXT,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL)
          """,
          "CREATE INDEX IF NOT EXISTS idx_snapshots_source_sandbox_id"
              + " ON snapshots (source_sandbox_id)",
          "CREATE INDEX IF NOT EXISTS idx_snapshots_state ON snapshots (state)",
          "CREATE INDEX IF NOT EXISTS idx_snapshots_created_at ON snapshots (created_at DESC)",
          """
          CREATE TABLE sandboxes (
            id TEXT PRIMARY KEY,
            tenant TEXT NOT NULL,
            intent TEXT NOT NULL,
            state TEXT NOT NULL,
            reason TEXT NOT NULL,
            message TEXT NOT NULL,
            changed_at BIGINT NOT NULL,
            created_at BIGINT NOT NULL,
            expires_at BIGINT,
            image_uri TEXT,
            snapshot_id TEXT,
            platform TEXT,
            entrypoint TEXT NOT NULL,
            metadata TEXT NOT NULL,
            renew_seconds INTEGER,
            version BIGINT NOT NULL,
            provision TEXT,
            acknowledged INTEGER NOT NULL,
            claimed_by TEXT)
          """,
          "CREATE INDEX idx_sandboxes_expires_at ON sandboxes (expires_at)",
          "CREATE INDEX idx_sandboxes_created_at ON sandboxes (created_at DESC, id DESC)",
          "CREATE INDEX idx_sandboxes_intent ON sandboxes (intent)",
          """
          CREATE TABLE idempotency (
            tenant TEXT NOT NULL,
            idempotency_key TEXT NOT NULL,
            request_hash TEXT NOT NULL,
            sandbox_id TEXT NOT NULL,
            response TEXT,
            created_at BIGINT NOT NULL,
            PRIMARY KEY (tenant, idempotency_key))
          """,
          "CREATE INDEX idx_idempotency_sandbox_id ON idempotency (sandbox_id)",
          "ALTER TABLE snapshots ADD COLUMN tenant TEXT NOT NULL DEFAULT ''",
          "ALTER TABLE sandboxes ADD COLUMN claimed_until BIGINT",
          "ALTER TABLE sandboxes ADD COLUMN locked_by TEXT",
          "ALTER TABLE sandboxes ADD COLUMN locked_until BIGINT",
          "ALTER TABLE snapshots ADD COLUMN claimed_by TEXT",
          "ALTER TABLE snapshots ADD COLUMN claimed_until BIGINT",
          """
          CREATE TABLE pools (
            name TEXT PRIMARY KEY,
            tenant TEXT NOT NULL,
            template TEXT NOT NULL,
            revision TEXT NOT NULL,
            buffer_max BIGINT NOT NULL,
            buffer_min BIGINT NOT NULL,
            pool_max BIGINT NOT NULL,
            pool_min BIGINT NOT NULL,
            created_at BIGINT NOT NULL,
            serial BIGINT NOT NULL)
          """,
          "ALTER TABLE sandboxes ADD COLUMN pool TEXT",
          "ALTER TABLE sandboxes ADD COLUMN pool_revision TEXT",
          "CREATE INDEX idx_sandboxes_pool ON sandboxes (pool, intent)",
          "CREATE TABLE write_probe (id INTEGER PRIMARY KEY, changed_at BIGINT NOT NULL)");

  private Migrations() {}

  /// Runs the steps that `database` has not seen, in one transaction. Of several servers that start
  /// at once, one does it and the others wait.
  ///
  /// Throws [StoreException] when a newer program has worked on the data.
  public static void run(Database database) {
    database.write(connection -> {
      database.lock(connection, Database.Exclusive.MIGRATION);
      try (Statement statement = connection.createStatement()) {
        statement.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
        int done = version(statement);
        if (done > STEPS.size()) {
          throw new StoreException(
              "the store has schema version "
                  + done
                  + ", made by a newer server; this one knows "
                  + STEPS.size(),
              null);
        }
        for (int step = done; step < STEPS.size(); step++) {
          statement.execute(STEPS.get(step));
        }
        if (done < STEPS.size()) {
          statement.execute("DELETE FROM schema_version");
          statement.execute("INSERT INTO schema_version VALUES (" + STEPS.size() + ")");
        }
        return STEPS.size();
      }
    });
  }

  private static int version(Statement statement) throws SQLException {
    try (ResultSet rows = statement.executeQuery("SELECT version FROM schema_version")) {
      return rows.next() ? rows.getInt(1) : 0;
    }
  }
}
