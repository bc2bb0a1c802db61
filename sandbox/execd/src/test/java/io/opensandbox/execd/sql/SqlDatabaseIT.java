package io.opensandbox.execd.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Statements on a real MariaDB server (Debian package mariadb-server), which is started here.
@Timeout(180)
class SqlDatabaseIT {
  private static final Path SERVER = Path.of("/usr/sbin/mariadbd");

  @TempDir static Path directory;

  private static @Nullable Process server;
  private static InetSocketAddress address =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);

  @BeforeAll
  static void start() throws Exception {
    Assumptions.assumeTrue(Files.isExecutable(SERVER), "mariadb-server is not installed");
    run("/usr/bin/mariadb-install-db", "--user=root", "--datadir=" + directory, "--skip-test-db");
    int port = freePort();
    server =
        new ProcessBuilder(
                SERVER.toString(),
                "--no-defaults",
                "--user=root",
                "--datadir=" + directory,
                "--socket=" + directory.resolve("socket"),
                "--bind-address=127.0.0.1",
                "--port=" + port,
                "--skip-grant-tables",
                "--skip-networking=0")
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("log").toFile())
            .start();
    address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    awaitServer();
  }

  @AfterAll
  static void stop() throws InterruptedException {
    if (server != null) {
      server.destroy();
      server.waitFor(30, TimeUnit.SECONDS);
    }
  }

  @Test
  void returnsRowsAsText() throws SqlException {
    SqlResult result = new SqlDatabase(address).run("SELECT 1 AS a, 'zwei' AS b, NULL AS c");

    assertThat(result.toJson())
        .isEqualTo("{\"columns\":[\"a\",\"b\",\"c\"],\"rows\":[[\"1\",\"zwei\",null]]}");
  }

  @Test
  void leavesRowsOutWhenThereAreNone() throws SqlException {
    SqlResult result = new SqlDatabase(address).run("SELECT 1 AS a FROM DUAL WHERE FALSE");

    assertThat(result.toJson()).isEqualTo("{\"columns\":[\"a\"]}");
  }

  @Test
  void countsAffectedRowsInTheSandboxDatabase() throws SqlException {
    SqlDatabase database = new SqlDatabase(address);
    database.run("CREATE OR REPLACE TABLE t (n INT, s VARCHAR(100))");

    SqlResult inserted = database.run("INSERT INTO t VALUES (1, 'ä'), (2, 'b')");
    SqlResult selected = database.run("SELECT s FROM sandbox.t ORDER BY n");

    assertThat(inserted).isEqualTo(new SqlResult.Affected(2));
    assertThat(selected)
        .isEqualTo(new SqlResult.Rows(List.of("s"), List.of(List.of("ä"), List.of("b"))));
  }

  @Test
  void recognisesResultSetsOfAnyStatement() throws SqlException {
    assertThat(new SqlDatabase(address).run("SHOW DATABASES LIKE 'sandbox'"))
        .isInstanceOfSatisfying(
            SqlResult.Rows.class,
            rows -> assertThat(rows.rows()).containsExactly(List.of("sandbox")));
  }

  @Test
  void namesTheStageOfAFailure() {
    SqlDatabase database = new SqlDatabase(address);

    assertThatExceptionOfType(SqlException.class)
        .isThrownBy(() -> database.run("SELECT nonsense FROM nowhere"))
        .satisfies(e -> assertThat(e.stage()).isEqualTo(SqlException.Stage.QUERY))
        .withMessageContaining("nowhere");
    assertThatExceptionOfType(SqlException.class)
        .isThrownBy(() -> database.run("DROP TABLE nowhere"))
        .satisfies(e -> assertThat(e.stage()).isEqualTo(SqlException.Stage.EXECUTE));
  }

  @Test
  void refusesAResultThatIsTooLarge() {
    assertThatExceptionOfType(SqlException.class)
        .isThrownBy(
            () -> new SqlDatabase(address).run("SELECT REPEAT('x', 1000) FROM seq_1_to_20000"))
        .withMessageContaining("add a LIMIT");
  }

  @Test
  void saysThatNoServerAnswers() throws IOException {
    try (Socket deaf = new Socket()) {
      deaf.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)); // and never listens
      InetSocketAddress nobody =
          new InetSocketAddress(InetAddress.getLoopbackAddress(), deaf.getLocalPort());

      assertThatExceptionOfType(SqlException.class)
          .isThrownBy(() -> new SqlDatabase(nobody).run("SELECT 1"))
          .satisfies(e -> assertThat(e.stage()).isEqualTo(SqlException.Stage.CONNECT))
          .withMessageContaining("Connection refused");
    }
  }

  private static void awaitServer() throws IOException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (true) {
      try (Socket socket = new Socket()) {
        socket.connect(address, 1_000);
        return;
      } catch (IOException e) {
        if (System.nanoTime() > deadline) {
          throw new IOException(Files.readString(directory.resolve("log")), e);
        }
        Thread.onSpinWait();
      }
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static void run(String... command) throws Exception {
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
  }
}
