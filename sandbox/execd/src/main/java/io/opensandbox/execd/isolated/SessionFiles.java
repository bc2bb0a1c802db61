package io.opensandbox.execd.isolated;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.directory.DirectoryRoutes;
import io.opensandbox.execd.file.FileLimits;
import io.opensandbox.execd.file.FileRoutes;
import io.opensandbox.execd.file.FileTimes;
import io.opensandbox.execd.file.Leftovers;
import io.opensandbox.execd.file.NewOwner;
import io.opensandbox.execd.http.Router;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The file routes of sessions.
final class SessionFiles {
  /// Routes that act on what a link leads to; all others act on the link itself.
  private static final Set<String> FOLLOWING =
      Set.of(
          "GET /files/download",
          "POST /files/permissions",
          "POST /files/replace",
          "POST /files/upload",
          "POST /directories");

  private final AccountDatabase accounts;
  private final FileTimes times;
  private final Leftovers leftovers;

  SessionFiles(AccountDatabase accounts, FileTimes times, Leftovers leftovers) {
    this.accounts = accounts;
    this.times = times;
    this.leftovers = leftovers;
  }

  /// How a route uses its paths.
  enum Use {
    READ_LINK,
    READ,
    WRITE_LINK,
    WRITE;

    static Use of(Router.Route route) {
      boolean follows = FOLLOWING.contains(route.method() + " " + route.pattern());
      if (route.method().equals("GET")) {
        return follows ? READ : READ_LINK;
      }
      return follows ? WRITE : WRITE_LINK;
    }

    boolean writes() {
      return this == WRITE || this == WRITE_LINK;
    }

    boolean follows() {
      return this == READ || this == WRITE;
    }
  }

  /// The routes for a session's directories, by how they use paths.
  Map<Use, Router> of(List<Mounted> mounts, IsolationRequest.Identity identity) {
    Map<Use, Router> routers = new EnumMap<>(Use.class);
    for (Use use : Use.values()) {
      routers.put(use, router(new WorkspaceView(mounts, use), owner(identity)));
    }
    return routers;
  }

  /// All routes that there are.
  List<Router.Route> routes() {
    return router(new WorkspaceView(List.of(), Use.READ), NewOwner.NOBODY).routes();
  }

  /// Inside a user namespace, execd's own files are the mapped user's.
  private static NewOwner owner(IsolationRequest.Identity identity) {
    return identity.namespaced()
        ? NewOwner.NOBODY
        : new NewOwner(
            identity.uid().orElse(NewOwner.NOBODY.user()),
            identity.group().orElse(NewOwner.NOBODY.group()));
  }

  private Router router(WorkspaceView view, NewOwner owner) {
    Router files = new Router();
    FileLimits limits = FileLimits.DEFAULT;
    new FileRoutes(view, accounts, times, limits, leftovers, owner).register(files);
    new DirectoryRoutes(view, accounts, times, limits.bodyBytes(), owner).register(files);
    return files;
  }
}
