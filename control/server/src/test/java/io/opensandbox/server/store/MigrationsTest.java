package io.opensandbox.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/// The schema, on every database.
@ParameterizedClass
@EnumSource(TestDatabase.Kind.class)
class MigrationsTest {
  private final TestDatabase.Kind kind;
  @TempDir Path folder;
  private TestDatabase database;

  MigrationsTest(TestDatabase.Kind kind) {
    this.kind = kind;
  }

  @BeforeEach
  void open() {
    database = new TestDatabase(kind, folder);
  }

  @AfterEach
  void close() {
    database.close();
  }

  private long version(Database on) {
    return on.read(connection ->
        Sql.of(connection, "SELECT version FROM schema_version")
            .first(row -> row.number("version"))
            .orElse(0L));
  }

  @Test
  void runningAgainChangesNothing() {
    Database again = database.open();
    long before = version(again);

    Migrations.run(again);

    assertThat(version(again)).isEqualTo(before).isPositive();
  }

  @Test
  void serversThatStartAtOnceMigrateOnce() throws Exception {
    Database first = database.open();
    first.write(connection -> {
      for (String table :
          List.of(
              "snapshots", "sandboxes", "idempotency", "pools", "write_probe", "schema_version")) {
        Sql.of(connection, "DROP TABLE " + table).update();
      }
      return 0;
    });
    List<Database> servers =
        kind == TestDatabase.Kind.SQLITE
            ? List.of(first)
            : List.of(first, database.open(), database.open());

    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Callable<Long>> starts =
          servers.stream()
              .map(server ->
                  (Callable<Long>)
                      () -> {
                        Migrations.run(server);
                        return version(server);
                      })
              .toList();
      for (Future<Long> start : threads.invokeAll(starts)) {
        assertThat(start.get()).isPositive();
      }
    }
  }

  @Test
  void aStoreOfANewerServerIsRefused() {
    Database newer = database.open();
    newer.write(
        connection -> Sql.of(connection, "UPDATE schema_version SET version = 1000").update());

    assertThatThrownBy(() -> Migrations.run(newer))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("schema version 1000, made by a newer server");
  }

  @Test
  void workThatFailsLeavesNothing() {
    Database on = database.open();

    assertThatThrownBy(() ->
            on.write(connection -> {
              Sql.of(connection, "UPDATE schema_version SET version = 1000").update();
              return Sql.of(connection, "nonsense").update();
            }))
        .isInstanceOf(StoreException.class);

    assertThat(version(on)).isLessThan(1000);
  }

  @Test
  void theLocationNamesTheDatabaseWithoutLogin() {
    String location = database.open().location();

    assertThat(location)
        .startsWith(kind == TestDatabase.Kind.SQLITE ? "sqlite:/" : "postgresql://127.0.0.1:")
        .doesNotContain("pass")
        .isEqualTo(database.open().location());
  }
}
