package io.opensandbox.server.store;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/// Claims of servers on the rows of one table, by row and for a limited time. The clock that counts
/// is the database's. Whoever holds a lease renews it until the work is done; a server that dies
/// stops doing so, and another takes the row over.
public final class Leases {
  private static final Duration PAUSE = Duration.ofMillis(50);

  private final Database database;
  private final String holder;
  private final Duration length;
  private final String table;
  private final String by;
  private final String until;

  Leases(Store store, String table, String prefix) {
    this.database = store.database();
    this.holder = store.holder();
    this.length = store.lease();
    this.table = table;
    this.by = prefix + "_by";
    this.until = prefix + "_until";
  }

  /// Who got a row.
  public enum Outcome {
    /// This server has it.
    TAKEN,
    /// Another server has it.
    BUSY,
    /// There is no such row.
    ABSENT
  }

  /// This server's name in the column of holders.
  public String holder() {
    return holder;
  }

  /// SQL for the end of a lease that begins now.
  public String deadline() {
    return database.clock() + " + " + length.toNanos() / 1000;
  }

  /// SQL condition that no server holds the row.
  public String isFree() {
    return "(" + until + " IS NULL OR " + until + " < " + database.clock() + ")";
  }

  /// Takes a row that is free or this server's own.
  public Outcome take(String id) {
    return database.write(connection -> {
      boolean taken =
          Sql.of(
                  connection,
                  "UPDATE "
                      + table
                      + (" SET " + by + " = ?, " + until + " = " + deadline())
                      + (" WHERE id = ? AND (" + isFree() + " OR " + by + " = ?)"))
              .with(holder)
              .with(id)
              .with(holder)
              .updateOne();
      if (taken) {
        return Outcome.TAKEN;
      }
      return Sql.of(connection, "SELECT id FROM " + table + " WHERE id = ?")
              .with(id)
              .first(row -> row.text("id"))
              .isPresent()
          ? Outcome.BUSY
          : Outcome.ABSENT;
    });
  }

  /// Takes a row like [#take], waiting for another server that has it.
  ///
  /// @param patience how long at most; then the outcome is [Outcome#BUSY]
  public Outcome take(String id, Duration patience) throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    var never = new Semaphore(0);
    while (true) {
      Outcome outcome = take(id);
      if (outcome != Outcome.BUSY || System.nanoTime() - deadline >= 0) {
        return outcome;
      }
      // Another server gives its lease back, or dies, without a signal here.
      boolean _ = never.tryAcquire(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  /// Gives a row back; one that another server holds, or that is gone, stays as it is.
  public void release(String id) {
    database.write(connection ->
        Sql.of(
                connection,
                "UPDATE "
                    + table
                    + (" SET " + by + " = NULL, " + until + " = NULL")
                    + (" WHERE id = ? AND " + by + " = ?"))
            .with(id)
            .with(holder)
            .update());
  }

  /// Whether this server holds a row, or held it last and no other server took it since.
  public boolean isMine(String id) {
    return database.read(connection ->
        Sql.of(connection, "SELECT id FROM " + table + " WHERE id = ? AND " + by + " = ?")
            .with(id)
            .with(holder)
            .first(row -> row.text("id"))
            .isPresent());
  }

  /// Whether another server holds a row now.
  public boolean isOthers(String id) {
    return database.read(connection ->
        Sql.of(
                connection,
                "SELECT id FROM "
                    + table
                    + (" WHERE id = ? AND " + by + " <> ? AND NOT " + isFree()))
            .with(id)
            .with(holder)
            .first(row -> row.text("id"))
            .isPresent());
  }

  /// Lets everything that this server holds run for its full length again.
  ///
  /// @return how many rows
  public int renewAll() {
    return database.write(connection ->
        Sql.of(
                connection,
                "UPDATE "
                    + table
                    + (" SET " + until + " = " + deadline())
                    + (" WHERE " + by + " = ? AND " + until + " IS NOT NULL"))
            .with(holder)
            .update());
  }

  /// Gives everything back that this server holds: for one that stops and works on nothing any
  /// more.
  ///
  /// @return how many rows
  public int releaseAll() {
    return database.write(connection ->
        Sql.of(
                connection,
                "UPDATE "
                    + table
                    + (" SET " + by + " = NULL, " + until + " = NULL")
                    + (" WHERE " + by + " = ?"))
            .with(holder)
            .update());
  }

  /// Takes every lease from whoever has it: for a database of which this server is the only user.
  public void clear() {
    database.write(connection ->
        Sql.of(
                connection,
                "UPDATE "
                    + table
                    + (" SET " + by + " = NULL, " + until + " = NULL")
                    + (" WHERE " + by + " IS NOT NULL"))
            .update());
  }
}
