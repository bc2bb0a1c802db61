package io.opensandbox.execd.isolated;

import io.opensandbox.execd.archive.ChangesArchive;
import io.opensandbox.execd.file.FileErrors;
import io.opensandbox.execd.file.FileStatus;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Headers;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;

/// `diff` and `commit` of a session's overlays. With several overlays, each has its directory's
/// name before the names in its part of the archive.
final class ChangeRoutes {
  private static final long MAX_BODY_BYTES = 1 << 16;

  /// How long a commit waits for runs and file operations to end.
  private static final long PATIENCE_SECONDS = 20;

  private final IsolatedSessions sessions;
  private final long maxDiffBytes;

  ChangeRoutes(IsolatedSessions sessions, long maxDiffBytes) {
    this.sessions = sessions;
    this.maxDiffBytes = maxDiffBytes;
  }

  void register(Router router) {
    router
        .add("GET", IsolatedRoutes.BASE + "/diff", this::diff)
        .add("POST", IsolatedRoutes.BASE + "/commit", this::commit);
  }

  private List<Mounted> requireOverlays(IsolatedSession session) {
    List<Mounted> overlays = session.overlays();
    if (overlays.isEmpty()) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY,
          "no directory of isolated session " + session.id() + " has mode overlay");
    }
    return overlays;
  }

  /// What was in memory is gone with the namespace.
  private static void requireReadable(IsolatedSession session, List<Mounted> overlays) {
    boolean readable =
        overlays.stream().allMatch(mount -> Comparison.isDirectory(overlayOf(mount).changes()));
    if (!readable) {
      throw session.ended();
    }
  }

  private void diff(Exchange exchange) throws IOException {
    IsolatedSession session = sessions.find(exchange.pathParameter("id"));
    List<Mounted> overlays = requireOverlays(session);
    session.using().readLock().lock();
    try {
      requireReadable(session, overlays);
      ChangesArchive changes = changes(overlays);
      Headers headers = Headers.of("Content-Type", "application/gzip");
      headers.set("Content-Disposition", "attachment; filename=\"diff.tar.gz\"");
      OutputStream out = exchange.startStream(200, headers, OptionalLong.empty());
      changes.write(out);
      out.close();
    } finally {
      session.using().readLock().unlock();
    }
  }

  private ChangesArchive changes(List<Mounted> overlays) {
    List<ChangesArchive.Part> parts = new ArrayList<>();
    long bytes = 0;
    for (Mounted mount : overlays) {
      String prefix = overlays.size() == 1 ? "" : mount.path().toString().substring(1) + "/";
      List<ChangesArchive.Change> changes = new ArrayList<>();
      bytes += collect(mount, changes);
      parts.add(new ChangesArchive.Part(overlayOf(mount).changes(), prefix, changes));
    }
    if (bytes > maxDiffBytes) {
      throw new ExecdException(
          ErrorCode.TOO_LARGE, "the changes exceed " + maxDiffBytes + " bytes");
    }
    return new ChangesArchive(parts);
  }

  private static long collect(Mounted mount, List<ChangesArchive.Change> changes) {
    long bytes = 0;
    Overlay overlay = overlayOf(mount);
    try {
      for (Overlay.Difference difference : overlay.differences()) {
        switch (difference) {
          case Overlay.Difference.Changed(Path path, boolean replaces) -> {
            changes.add(new ChangesArchive.Change.Present(path, replaces));
            bytes += FileStatus.ofLink(overlay.changes().resolve(path)).size();
          }
          case Overlay.Difference.Removed(Path path) ->
              changes.add(new ChangesArchive.Change.Gone(path));
        }
      }
    } catch (IOException e) {
      throw FileErrors.failed("cannot look for changes in", mount.path(), e);
    }
    return bytes;
  }

  private static Overlay overlayOf(Mounted mount) {
    return Objects.requireNonNull(mount.overlay());
  }

  private void commit(Exchange exchange) throws IOException {
    IsolatedSession session = sessions.find(exchange.pathParameter("id"));
    JsonObject body = JsonParser.parseOptionalObject(exchange.readBody(MAX_BODY_BYTES));
    String strategy = body.string("strategy").orElse("overwrite");
    if (!strategy.equals("overwrite")) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY,
          "field \"strategy\" must be overwrite, not \"" + strategy + "\"");
    }
    boolean reset = body.flag("reset_upper_after");
    requireOverlays(session);
    Lock alone = session.using().writeLock();
    awaitAlone(alone);
    try {
      List<Mounted> overlays = requireOverlays(session);
      requireReadable(session, overlays);
      if (reset && session.runsInBackground()) {
        throw new ExecdException(
            ErrorCode.CONFLICT, "a background run is under way, which a reset would end");
      }
      for (Mounted mount : overlays) {
        commit(mount);
      }
      if (reset && !session.isDestroyed()) {
        reset(session);
      }
    } finally {
      alone.unlock();
    }
    exchange.respondEmpty(200);
  }

  private static void awaitAlone(Lock alone) {
    try {
      if (alone.tryLock(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        return;
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
    throw new ExecdException(ErrorCode.CONFLICT, "a run or a file operation is under way");
  }

  private static void reset(IsolatedSession session) {
    try {
      session.reset();
    } catch (IOException e) {
      throw new ExecdException(
          ErrorCode.RUNTIME_ERROR,
          "the changes were committed, but the session could not be reset: " + e.getMessage(),
          e);
    }
  }

  private static void commit(Mounted mount) {
    try {
      overlayOf(mount).commit();
    } catch (IOException e) {
      throw FileErrors.failed("cannot commit to", mount.path(), e);
    }
  }
}
