package io.opensandbox.server.store;

import java.time.Duration;

/// Finds out whether the database takes changes, by making one.
public final class WriteProbe {
  // Anybody may ask, so a change is not made for each question.
  private static final long GOOD_NANOS = Duration.ofSeconds(1).toNanos();

  private final Database database;
  // Guarded by this.
  private long changedAt = System.nanoTime() - GOOD_NANOS;

  /// @param database with the newest schema
  public WriteProbe(Database database) {
    this.database = database;
  }

  /// Returns when a change was made within the last second; throws as [Database#write] does.
  public synchronized void check() {
    if (System.nanoTime() - changedAt < GOOD_NANOS) {
      return;
    }
    int _ =
        database.write(connection ->
            Sql.of(
                    connection,
                    "INSERT INTO write_probe VALUES (1, "
                        + database.clock()
                        + ") ON CONFLICT (id) DO UPDATE SET changed_at = excluded.changed_at")
                .update());
    changedAt = System.nanoTime();
  }
}
