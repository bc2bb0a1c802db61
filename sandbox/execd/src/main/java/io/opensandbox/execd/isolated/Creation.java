package io.opensandbox.execd.isolated;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.directory.DirectoryRoutes;
import io.opensandbox.execd.file.FileErrors;
import io.opensandbox.execd.file.FileLimits;
import io.opensandbox.execd.file.FileRoutes;
import io.opensandbox.execd.file.FileTimes;
import io.opensandbox.execd.file.FileTree;
import io.opensandbox.execd.file.Leftovers;
import io.opensandbox.execd.http.Router;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/// Makes sessions: their files, then their namespace. What was made goes again when a step fails.
final class Creation {
  private static final long MAX_COPY_BYTES = 2L << 30;

  private final Isolator isolator;
  private final Path root;
  private final FileTimes times;
  private final AccountDatabase accounts;

  /// @param root of all sessions' files
  Creation(Isolator isolator, Path root, FileTimes times, AccountDatabase accounts) {
    this.isolator = isolator;
    this.root = root;
    this.times = times;
    this.accounts = accounts;
  }

  IsolatedSession create(String id, IsolationRequest request, Instant now) {
    Isolator.Capabilities found = isolator.require();
    requireIdentity(request.identity(), found);
    request.binds().forEach(Creation::requireBindable);
    request.extraWritable().forEach(path -> requireThere("extra_writable", path));
    Path folder = root.resolve(id);
    try {
      return make(id, request, now, folder, found);
    } catch (IOException e) {
      remove(folder, e);
      throw FileErrors.failed("cannot prepare the session in", folder, e);
    } catch (ExecdException e) {
      remove(folder, e);
      throw e;
    }
  }

  private static void remove(Path folder, Exception because) {
    try {
      FileTree.delete(folder);
    } catch (IOException e) {
      because.addSuppressed(e);
    }
  }

  /// The place must be there, because bubblewrap cannot make it in a root that is read-only.
  private static void requireBindable(IsolationRequest.Bind bind) {
    requireThere("binds.source", bind.source());
    try {
      Files.createDirectories(bind.destination());
    } catch (IOException e) {
      throw FileErrors.failed("cannot make the place of a bind,", bind.destination(), e);
    }
  }

  private static void requireThere(String field, Path path) {
    if (!Files.isDirectory(path)) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY,
          "field \"" + field + "\": there is no directory \"" + path + "\"");
    }
  }

  private static void requireIdentity(
      IsolationRequest.Identity identity, Isolator.Capabilities found) {
    boolean wanted = identity.uid().isPresent() || identity.gid().isPresent();
    if (identity.namespaced() && !found.userNamespaces()) {
      throw new ExecdException(
          ErrorCode.NOT_SUPPORTED_HERE, "user namespaces are not available in this sandbox");
    }
    if (wanted && !identity.namespaced() && !OwnIdentity.isRoot()) {
      throw new ExecdException(
          ErrorCode.NOT_SUPPORTED_HERE,
          "execd does not run as root, so \"uid\" and \"gid\" need \"uid_mode\": \"userns\"");
    }
  }

  private IsolatedSession make(
      String id, IsolationRequest request, Instant now, Path folder, Isolator.Capabilities found)
      throws IOException {
    Path broker = prepareFolders(folder);
    List<Mounted> mounts = new ArrayList<>();
    for (IsolationRequest.Mount mount : request.mounts()) {
      mounts.add(mounted(mount, request, folder.resolve("copy-" + mounts.size())));
    }
    var places =
        new Bubblewrap.Places(
            mounts.stream()
                .map(
                    mount -> new Bubblewrap.Mount(mount.path(), mount.actual(), mount.isReadOnly()))
                .toList(),
            broker,
            root,
            isolator.launcher());
    Namespace namespace = isolator.start(found, request, places);
    var files =
        new IsolatedSession.Files(
            folder, mounts, fileRoutes(mounts, false), fileRoutes(mounts, true));
    return new IsolatedSession(id, request, now, files, namespace);
  }

  private Path prepareFolders(Path folder) throws IOException {
    Files.createDirectories(root);
    Files.setAttribute(root, "unix:mode", 0700);
    Files.createDirectory(folder);
    return Files.createDirectory(folder.resolve("broker"));
  }

  private Mounted mounted(IsolationRequest.Mount mount, IsolationRequest request, Path copy)
      throws IOException {
    Path path = mount.path();
    if (root.startsWith(path)) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY, "\"" + path + "\" holds the sessions' own files");
    }
    if (Files.exists(path) && !Files.isDirectory(path)) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY, "\"" + path + "\" is not a directory");
    }
    if (!Files.exists(path)) {
      Files.createDirectories(path);
      own(path, request.identity());
    }
    if (mount.mode() != IsolationRequest.Mode.OVERLAY) {
      return new Mounted(path, mount.mode(), null);
    }
    if (WorkspaceCopy.size(path, MAX_COPY_BYTES) > MAX_COPY_BYTES) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY,
          "\"%s\" is larger than %d bytes; use mode rw".formatted(path, MAX_COPY_BYTES));
    }
    return new Mounted(path, mount.mode(), WorkspaceCopy.make(path.toRealPath(), copy));
  }

  private static void own(Path path, IsolationRequest.Identity identity) throws IOException {
    if (identity.namespaced()) {
      return; // inside, execd's own files are the mapped user's
    }
    if (identity.uid().isPresent()) {
      Files.setAttribute(path, "unix:uid", (int) identity.uid().getAsLong());
    }
    if (identity.gid().isPresent()) {
      Files.setAttribute(path, "unix:gid", (int) identity.gid().getAsLong());
    }
  }

  /// The file routes for a session's directories.
  Router fileRoutes(List<Mounted> mounts, boolean writing) {
    Router files = new Router();
    WorkspaceView view = new WorkspaceView(mounts, writing);
    FileLimits limits = FileLimits.DEFAULT;
    new FileRoutes(view, accounts, times, limits, new Leftovers(root)).register(files);
    new DirectoryRoutes(view, accounts, times, limits.bodyBytes()).register(files);
    return files;
  }
}
