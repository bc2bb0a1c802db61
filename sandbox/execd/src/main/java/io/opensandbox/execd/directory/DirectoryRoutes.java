package io.opensandbox.execd.directory;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.file.FileTimes;
import io.opensandbox.execd.file.NewOwner;
import io.opensandbox.execd.file.WantedPermissions;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.path.PathView;

/// Registers `/directories` and `/directories/list`.
public final class DirectoryRoutes {
  private final PathView paths;
  private final AccountDatabase accounts;
  private final FileTimes times;
  private final long bodyLimit;
  private final NewOwner owner;

  /// Routes over what `paths` shows.
  ///
  /// @param bodyLimit bytes of a JSON body
  /// @param owner of what is new
  public DirectoryRoutes(
      PathView paths, AccountDatabase accounts, FileTimes times, long bodyLimit, NewOwner owner) {
    this.paths = paths;
    this.accounts = accounts;
    this.times = times;
    this.bodyLimit = bodyLimit;
    this.owner = owner;
  }

  /// Adds the routes.
  public void register(Router router) {
    router
        .add("GET", "/directories/list", new DirectoryListing(paths, accounts, times))
        .add(
            "POST",
            "/directories",
            new DirectoryCreation(new WantedPermissions(paths, accounts, bodyLimit), owner))
        .add("DELETE", "/directories", new DirectoryRemoval(paths));
  }
}
