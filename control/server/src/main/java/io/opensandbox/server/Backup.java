package io.opensandbox.server;

import io.opensandbox.server.config.Config;
import io.opensandbox.server.config.ConfigException;
import io.opensandbox.server.config.ConfigLoader;
import io.opensandbox.server.store.SqliteDatabase;
import io.opensandbox.server.store.StoreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Copies the store while the server runs.
@Command(
    name = "backup",
    description = "Writes a consistent copy of the store to FILE while the server runs.",
    mixinStandardHelpOptions = true)
final class Backup implements Callable<Integer> {
  private final Environment environment;

  @Option(names = "--config", paramLabel = "PATH", description = "Configuration file.")
  private @Nullable String config;

  @Parameters(paramLabel = "FILE", description = "Must not exist yet.")
  private String file = "";

  Backup(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    Logging.console();
    var loader = new ConfigLoader(environment.variables(), environment.home());
    try {
      Config.Store store = loader.load(loader.path(Optional.ofNullable(config))).store();
      return store.address().isPresent() ? tellOfPgDump(store) : copy(store.path(), loader);
    } catch (ConfigException | StoreException | UncheckedIOException e) {
      return fail(e.getMessage());
    }
  }

  private int copy(Path store, ConfigLoader loader) {
    if (!Files.exists(store)) {
      return fail("there is no store \"" + store + "\" yet");
    }
    Path target = loader.expand(file);
    try (var database = new SqliteDatabase(store)) {
      database.backup(target);
    } catch (FileAlreadyExistsException _) { // its message names the file only
      return fail("\"" + target + "\" exists already");
    } catch (IOException e) {
      return fail(e.toString());
    }
    environment.out().println("Wrote a copy of " + store + " to " + target);
    return 0;
  }

  private int tellOfPgDump(Config.Store store) {
    return fail(
        "the store is PostgreSQL, which has a tool for that: pg_dump --format=custom --file="
            + file
            + " "
            + store.address().map(Object::toString).orElse(""));
  }

  private int fail(@Nullable String why) {
    environment.out().println("Failed to back up: " + why);
    return 1;
  }
}
