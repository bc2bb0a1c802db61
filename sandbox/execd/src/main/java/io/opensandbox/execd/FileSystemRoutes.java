package io.opensandbox.execd;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.archive.ArchiveRoutes;
import io.opensandbox.execd.archive.Zstd;
import io.opensandbox.execd.directory.DirectoryRoutes;
import io.opensandbox.execd.file.FileLimits;
import io.opensandbox.execd.file.FileRoutes;
import io.opensandbox.execd.file.FileTimes;
import io.opensandbox.execd.file.Leftovers;
import io.opensandbox.execd.file.NewOwner;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.identity.IdentityRoutes;
import io.opensandbox.execd.path.PathExpansion;
import io.opensandbox.execd.watch.WatchRoutes;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;

/// The features that read and write the sandbox's file system, wired together.
final class FileSystemRoutes {
  private final PathExpansion paths;
  private final AccountDatabase accounts = AccountDatabase.ofSystem();
  private final FileTimes times = FileTimes.ofSystem();
  private final FileLimits limits = FileLimits.DEFAULT;
  private final Leftovers leftovers;
  private final Clock clock;
  private final Zstd zstd;

  FileSystemRoutes(Settings settings, Execd.Surroundings surroundings, PathExpansion paths) {
    this.paths = paths;
    Path spare = Path.of(settings.temporaryFolder());
    this.leftovers = new Leftovers(spare, spare.resolve("execd-uploads-" + settings.port()));
    this.clock = surroundings.clock();
    this.zstd = new Zstd(surroundings.spawner(), surroundings.isolation().launcher());
  }

  /// Where temporaries are noted.
  Leftovers leftovers() {
    return leftovers;
  }

  /// Removes what an earlier daemon was about to write when it was killed.
  void sweep() throws IOException {
    leftovers.sweep();
  }

  private void registerFiles(Router router) {
    new FileRoutes(paths, accounts, times, limits, leftovers, NewOwner.NOBODY).register(router);
    new DirectoryRoutes(paths, accounts, times, limits.bodyBytes(), NewOwner.NOBODY)
        .register(router);
  }

  void register(Router router) {
    registerFiles(router);
    Router files = new Router();
    registerFiles(files);
    new IdentityRoutes(files, accounts).register(router);
    new WatchRoutes(paths, clock).register(router);
    new ArchiveRoutes(paths, zstd, leftovers).register(router);
  }
}
