package io.opensandbox.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.server.store.Leases.Outcome;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/// Leases, on every database.
@ParameterizedClass
@EnumSource(TestDatabase.Kind.class)
class LeasesTest {
  private static final Duration LONG = Duration.ofHours(1);
  // Over before the next statement.
  private static final Duration OVER = Duration.ZERO.minusSeconds(1);

  private final TestDatabase.Kind kind;
  @TempDir Path folder;
  private TestDatabase database;

  LeasesTest(TestDatabase.Kind kind) {
    this.kind = kind;
  }

  @BeforeEach
  void open() {
    database = new TestDatabase(kind, folder);
    insert("row");
  }

  @AfterEach
  void close() {
    database.close();
  }

  private void insert(String id) {
    database
        .open()
        .write(connection ->
            Sql.of(
                    connection,
                    "INSERT INTO snapshots (id, source_sandbox_id, restore_config, state,"
                        + " created_at, updated_at) VALUES (?, 's', '{}', 'Ready', 'c', 'u')")
                .with(id)
                .update());
  }

  private Leases server(String name, Duration length) {
    return database.store(name, length).leases("snapshots", "claimed");
  }

  @Test
  void oneServerAtATimeHoldsARow() {
    Leases a = server("a", LONG);
    Leases b = server("b", LONG);

    assertThat(a.take("row")).isEqualTo(Outcome.TAKEN);
    assertThat(b.take("row")).isEqualTo(Outcome.BUSY);
    assertThat(a.take("row")).isEqualTo(Outcome.TAKEN);
    assertThat(a.isMine("row")).isTrue();
    assertThat(b.isMine("row")).isFalse();
    assertThat(b.isOthers("row")).isTrue();
    assertThat(a.isOthers("row")).isFalse();
  }

  @Test
  void aReleasedRowIsFree() {
    Leases a = server("a", LONG);
    Leases b = server("b", LONG);
    a.take("row");

    b.release("row");
    assertThat(b.take("row")).as("only the holder releases").isEqualTo(Outcome.BUSY);
    a.release("row");

    assertThat(b.take("row")).isEqualTo(Outcome.TAKEN);
  }

  @Test
  void aLeaseThatRanOutIsTakenOver() {
    Leases dead = server("dead", OVER);
    Leases b = server("b", LONG);
    dead.take("row");

    assertThat(b.isOthers("row")).isFalse();
    assertThat(b.take("row")).isEqualTo(Outcome.TAKEN);

    assertThat(dead.isMine("row")).isFalse();
    assertThat(dead.take("row")).isEqualTo(Outcome.BUSY);
    assertThat(dead.renewAll()).as("what it lost is not its own any more").isZero();
  }

  @Test
  void renewingMakesALeaseLastAgain() {
    server("a", OVER).take("row");
    Leases same = server("a", LONG);

    assertThat(same.renewAll()).isEqualTo(1);

    assertThat(server("b", LONG).take("row")).isEqualTo(Outcome.BUSY);
  }

  @Test
  void aRowThatIsNotThereIsAbsent() {
    assertThat(server("a", LONG).take("nothing")).isEqualTo(Outcome.ABSENT);
  }

  @Test
  void clearingFreesEverything() {
    server("a", LONG).take("row");

    server("b", LONG).clear();

    assertThat(server("c", LONG).take("row")).isEqualTo(Outcome.TAKEN);
  }

  @Test
  void ofManyServersAtOnceOneGetsEachRow() throws Exception {
    List<String> ids = Stream.iterate(1, i -> i <= 10, i -> i + 1).map(i -> "id" + i).toList();
    ids.forEach(this::insert);
    List<Leases> servers = List.of(server("a", LONG), server("b", LONG), server("c", LONG));
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (String id : ids) {
        List<Callable<Outcome>> tries =
            servers.stream().map(server -> (Callable<Outcome>) () -> server.take(id)).toList();

        List<Future<Outcome>> outcomes = threads.invokeAll(tries);

        assertThat(outcomes.stream().map(Future::resultNow))
            .as(id)
            .containsExactlyInAnyOrder(Outcome.TAKEN, Outcome.BUSY, Outcome.BUSY);
      }
    }
  }
}
