package io.opensandbox.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.server.store.Sql;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The subcommands, with what they print and the status they end with.
class CommandLineTest {
  private static final String VALID = "[runtime]\ntype = \"docker\"\nexecd_image = \"e\"\n";

  @TempDir Path folder;

  private record Result(int status, String out) {}

  private Result run(String... arguments) {
    var bytes = new ByteArrayOutputStream();
    var out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    var environment = new Environment(Map.of(), folder, new FakeClock(), new SecureRandom(), out);
    int status = CommandLine.run(environment, arguments);
    return new Result(status, bytes.toString(StandardCharsets.UTF_8));
  }

  private String config(String toml) throws IOException {
    return Files.writeString(folder.resolve("config.toml"), toml).toString();
  }

  @Test
  void checkSaysThatAConfigurationIsValid() throws IOException {
    Result result = run("--config", config(VALID), "--check");

    assertThat(result.status()).isZero();
    assertThat(result.out()).contains("config.toml\" is valid");
  }

  @Test
  void checkOfAnInvalidConfigurationFails() throws IOException {
    assertThat(run("--config", config("[runtime]\ntype = \"x\"\n"), "--check").status())
        .isEqualTo(1);
  }

  @Test
  void initConfigWritesExamplesAndRefusesOthers() {
    Path target = folder.resolve("sub/new.toml");

    assertThat(run("init-config", target.toString(), "--example", "docker"))
        .isEqualTo(new Result(0, "Wrote example config (docker) to " + target + "\n"));
    assertThat(run("init-config", target.toString()).out())
        .startsWith("Failed to write config template:");
    assertThat(run("init-config", target.toString()).status()).isEqualTo(1);
    assertThat(run("init-config", target.toString(), "--force"))
        .isEqualTo(new Result(0, "Wrote full config skeleton to " + target + "\n"));
    assertThat(run("init-config", target.toString(), "--example", "nomad").status()).isEqualTo(2);
  }

  @Test
  void initConfigWritesIntoTheHomeUnlessToldOtherwise() {
    assertThat(run("init-config").out())
        .isEqualTo("Wrote full config skeleton to " + folder.resolve(".sandbox.toml") + "\n");
  }

  @Test
  void helpListsTheSubcommands() {
    // Picocli prints help itself, to the process's output.
    assertThat(run("--help").status()).isZero();
    assertThat(run("backup", "--help").status()).isZero();
    assertThat(run("--nonsense").status()).isEqualTo(2);
  }

  @Test
  void backupCopiesTheStoreOfARunningServer() throws IOException {
    Path copy = folder.resolve("copy.db");
    String id;
    try (var server = TestServer.start(folder)) {
      id = server.create();
      String file = config(VALID + "[store]\npath = \"" + folder.resolve("store.db") + "\"\n");

      assertThat(run("backup", "--config", file, copy.toString()))
          .isEqualTo(
              new Result(
                  0, "Wrote a copy of " + folder.resolve("store.db") + " to " + copy + "\n"));
      assertThat(run("backup", "--config", file, copy.toString()))
          .isEqualTo(new Result(1, "Failed to back up: \"" + copy + "\" exists already\n"));
    }
    Path restored = Files.createDirectory(folder.resolve("restored"));
    Files.copy(copy, restored.resolve("store.db"));
    try (var database = Databases.open(TestServer.config(restored, "").store())) {
      List<String> ids =
          database.read(connection ->
              Sql.of(connection, "SELECT id FROM sandboxes").list(row -> row.text("id")));
      assertThat(ids).containsExactly(id);
    }
  }

  @Test
  void backupOfNothingSaysSo() throws IOException {
    String file = config(VALID + "[store]\npath = \"" + folder.resolve("none.db") + "\"\n");

    assertThat(run("backup", "--config", file, "copy.db").out())
        .isEqualTo(
            "Failed to back up: there is no store \"" + folder.resolve("none.db") + "\" yet\n");
    assertThat(folder.resolve("none.db")).doesNotExist();
  }

  @Test
  void backupOfPostgresqlNamesItsTool() throws IOException {
    String file =
        config(
            VALID
                + "[store]\ntype = \"postgresql\"\nurl = \"postgresql://db/os\"\n"
                + "password = \"secret\"\n");

    Result result = run("backup", "--config", file, "copy.db");

    assertThat(result.status()).isEqualTo(1);
    assertThat(result.out())
        .contains("pg_dump --format=custom --file=copy.db postgresql://db:5432/os")
        .doesNotContain("secret");
  }
}
