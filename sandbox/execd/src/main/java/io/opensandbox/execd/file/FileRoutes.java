package io.opensandbox.execd.file;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.path.PathView;

/// Registers `/files/*`.
public final class FileRoutes {
  private final PathView paths;
  private final AccountDatabase accounts;
  private final FileTimes times;
  private final FileLimits limits;
  private final Leftovers leftovers;
  private final NewOwner owner;

  /// Routes over what `paths` shows.
  ///
  /// @param leftovers where temporaries go
  /// @param owner of what is new
  public FileRoutes(
      PathView paths,
      AccountDatabase accounts,
      FileTimes times,
      FileLimits limits,
      Leftovers leftovers,
      NewOwner owner) {
    this.paths = paths;
    this.accounts = accounts;
    this.times = times;
    this.limits = limits;
    this.leftovers = leftovers;
    this.owner = owner;
  }

  /// Adds the routes.
  public void register(Router router) {
    router
        .add("GET", "/files/info", new FileInformation(paths, accounts, times))
        .add("DELETE", "/files", new FileDeletion(paths))
        .add("POST", "/files/mv", new FileMove(paths, limits.bodyBytes(), leftovers, owner))
        .add(
            "POST",
            "/files/permissions",
            new PermissionChange(new WantedPermissions(paths, accounts, limits.bodyBytes())))
        .add("POST", "/files/replace", new FileReplacement(paths, limits.bodyBytes(), leftovers))
        .add("POST", "/files/upload", new FileUpload(paths, accounts, limits, leftovers, owner))
        .add("GET", "/files/download", new FileDownload(paths))
        .add("GET", "/files/search", new FileSearch(paths, accounts, times));
  }
}
