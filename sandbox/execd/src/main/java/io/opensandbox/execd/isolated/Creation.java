package io.opensandbox.execd.isolated;

import io.opensandbox.execd.file.FileErrors;
import io.opensandbox.execd.file.FileTree;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Makes sessions: their files, then their namespace. What was made goes again when a step fails.
final class Creation {
  private static final long MAX_COPY_BYTES = 2L << 30;

  /// Of memory beyond the limit, so that exceeding it is noticed.
  private static final long SLACK_BYTES = 16 << 20;

  private final Isolator isolator;
  private final long maxUpperBytes;
  private final SessionFiles files;

  /// @param maxUpperBytes of what is written to an overlay
  Creation(Isolator isolator, long maxUpperBytes, SessionFiles files) {
    this.isolator = isolator;
    this.maxUpperBytes = maxUpperBytes;
    this.files = files;
  }

  IsolatedSession create(String id, IsolationRequest request, Instant now) {
    Isolator.Capabilities found = isolator.require();
    requireIdentity(request.identity(), found);
    request.binds().forEach(Creation::requireBindable);
    request.extraWritable().forEach(path -> requireThere("extra_writable", path));
    Path folder = folder(id);
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

  private Path folder(String id) {
    try {
      return isolator.root().path().resolve(id);
    } catch (IOException e) {
      throw new ExecdException(
          ErrorCode.SERVICE_UNAVAILABLE,
          "there is no place for the sessions' files: " + e.getMessage(),
          e);
    }
  }

  private static void remove(Path folder, Exception because) {
    try {
      UpperRoot.delete(folder);
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
    if (wanted && !identity.namespaced() && !found.canSwitchIdentity()) {
      throw new ExecdException(
          ErrorCode.NOT_SUPPORTED_HERE,
          "execd may not change users here, so \"uid\" and \"gid\" need \"uid_mode\": \"userns\"");
    }
  }

  private IsolatedSession make(
      String id, IsolationRequest request, Instant now, Path folder, Isolator.Capabilities found)
      throws IOException {
    Files.createDirectory(folder);
    List<Prepared> prepared = new ArrayList<>();
    for (IsolationRequest.Mount mount : request.mounts()) {
      Path own = Files.createDirectory(folder.resolve(Integer.toString(prepared.size())));
      prepared.add(prepare(mount, request.identity(), own, found.overlays()));
    }
    Duration retain = retention(request);
    if (retain.isPositive()) {
      UpperRoot.retainAfterCrash(folder, retain);
    }
    IsolatedSession.Opener opener = () -> open(request, folder, prepared, found);
    return new IsolatedSession(id, request, now, folder, opener);
  }

  /// How long the folder is kept after the session's end: as long as any of its layers.
  static Duration retention(IsolationRequest request) {
    return request.mounts().stream()
        .map(mount -> mount.persistence().retain())
        .max(Comparator.naturalOrder())
        .orElse(Duration.ZERO);
  }

  /// A directory of a session before its namespace is there.
  ///
  /// @param actual where it is for whoever makes the namespace
  /// @param copied what is to be copied to `actual`; null when nothing is
  /// @param layer what is to be mounted; null when nothing is
  /// @param maxBytes of changes
  private record Prepared(
      IsolationRequest.Mount mount,
      Path actual,
      @Nullable Path copied,
      Isolator.@Nullable Layer layer,
      long maxBytes) {
    /// Forgets what an earlier namespace has written.
    void clear() throws IOException {
      if (layer != null) {
        WorkspaceLayer.delete(layer.folder());
        Files.createDirectory(layer.folder());
      }
    }

    /// Makes the copy, without what an earlier one has.
    @Nullable WorkspaceCopy copy() throws IOException {
      if (copied == null) {
        return null;
      }
      FileTree.delete(actual);
      return WorkspaceCopy.make(copied, actual);
    }

    Mounted in(Namespace namespace, @Nullable WorkspaceCopy copy) {
      if (layer == null) {
        return new Mounted(mount.path(), mount.mode(), copy);
      }
      Path mounted = namespace.outside(layer.folder());
      // Memory is the namespace's own; a disk can be read without it.
      Path stored = layer.bytes() == 0 ? layer.folder() : mounted;
      var overlay = new WorkspaceLayer(layer.lower(), mounted, stored, maxBytes);
      return new Mounted(mount.path(), mount.mode(), overlay);
    }
  }

  private IsolatedSession.Opened open(
      IsolationRequest request, Path folder, List<Prepared> prepared, Isolator.Capabilities found)
      throws IOException {
    List<@Nullable WorkspaceCopy> copies = new ArrayList<>();
    for (Prepared each : prepared) {
      each.clear();
      copies.add(each.copy());
    }
    Path root = folder.resolveSibling("");
    Path broker = folder.resolve("broker");
    FileTree.delete(broker);
    Files.createDirectory(broker);
    List<Bubblewrap.Mount> seen = new ArrayList<>();
    List<Isolator.Layer> layers = new ArrayList<>();
    for (Prepared each : prepared) {
      boolean readOnly = each.mount().mode() == IsolationRequest.Mode.RO;
      seen.add(new Bubblewrap.Mount(each.mount().path(), each.actual(), readOnly));
      Isolator.Layer layer = each.layer();
      if (layer != null) {
        layers.add(layer);
      }
    }
    var places = new Bubblewrap.Places(seen, broker, root, isolator.launcher());
    Namespace namespace = isolator.start(found, request, places, layers);
    List<Mounted> mounts = new ArrayList<>();
    for (int i = 0; i < prepared.size(); i++) {
      mounts.add(prepared.get(i).in(namespace, copies.get(i)));
    }
    return new IsolatedSession.Opened(namespace, mounts, files.of(mounts, request.identity()));
  }

  private Prepared prepare(
      IsolationRequest.Mount mount,
      IsolationRequest.Identity identity,
      Path own,
      Isolator.Overlays overlays)
      throws IOException {
    Path path = mount.path();
    if (own.startsWith(path)) {
      throw invalid("\"" + path + "\" holds the sessions' own files");
    }
    if (Files.exists(path) && !Files.isDirectory(path)) {
      throw invalid("\"" + path + "\" is not a directory");
    }
    if (!Files.exists(path)) {
      Files.createDirectories(path);
      own(path, identity);
    }
    if (mount.mode() != IsolationRequest.Mode.OVERLAY) {
      return new Prepared(mount, path, null, null, 0);
    }
    IsolationRequest.Store store = mount.persistence().store();
    if (store == IsolationRequest.Store.VOLUME && !overlays.onVolume()) {
      throw invalid(
          "field \"persist\": there is no mounted volume for the upper layer at \"%s\""
              .formatted(own.getParent()));
    }
    if (!overlays.mounted()) {
      requireCopyable(path);
      return new Prepared(mount, own.resolve("copy"), path.toRealPath(), null, 0);
    }
    boolean inMemory = store == IsolationRequest.Store.MEMORY || !overlays.onDisk();
    long limit = Math.min(maxUpperBytes, mount.persistence().maxBytes());
    var layer = new Isolator.Layer(inMemory ? limit + SLACK_BYTES : 0, own, path.toRealPath());
    return new Prepared(mount, WorkspaceLayer.merged(own), null, layer, limit);
  }

  private static void requireCopyable(Path path) throws IOException {
    if (Comparison.size(path, MAX_COPY_BYTES) > MAX_COPY_BYTES) {
      throw invalid(
          "\"%s\" is larger than %d bytes, and there is no overlayfs here; use mode rw"
              .formatted(path, MAX_COPY_BYTES));
    }
  }

  private static ExecdException invalid(String message) {
    return new ExecdException(ErrorCode.INVALID_REQUEST_BODY, message);
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
}
