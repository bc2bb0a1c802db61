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
}
