package io.opensandbox.server;

import io.opensandbox.server.config.Config;
import io.opensandbox.server.store.Database;
import io.opensandbox.server.store.PostgresqlDatabase;
import io.opensandbox.server.store.SqliteDatabase;

/// Opens the database that the configuration names.
final class Databases {
  private Databases() {}

  static Database open(Config.Store store) {
    return store.address().isPresent()
        ? new PostgresqlDatabase(store.address().get())
        : new SqliteDatabase(store.path());
  }

  /// Like [#open], for as long as no other server has opened the same SQLite file so.
  static Database openAlone(Config.Store store) {
    return store.address().isPresent() ? open(store) : SqliteDatabase.alone(store.path());
  }
}
