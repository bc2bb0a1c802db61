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
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;

/// `diff` and `commit` of a session's overlays. With several overlays, each has its directory's
/// name before the names in its part of the archive.
final class ChangeRoutes {
  private static final long MAX_BODY_BYTES = 1 << 16;
  private static final long MAX_DIFF_BYTES = 4L << 30;

  /// How long a commit waits for runs and file operations to end.
  private static final long PATIENCE_SECONDS = 20;

  private final IsolatedSessions sessions;

  ChangeRoutes(IsolatedSessions sessions) {
    this.sessions = sessions;
  }

  void register(Router router) {
    router
        .add("GET", IsolatedRoutes.BASE + "/diff", this::diff)
        .add("POST", IsolatedRoutes.BASE + "/commit", this::commit);
  }

  private List<Mounted> requireCopies(IsolatedSession session) {
    List<Mounted> copies = session.copies();
    if (copies.isEmpty()) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY,
          "no directory of isolated session " + session.id() + " has mode overlay");
    }
    return copies;
  }

  private void diff(Exchange exchange) throws IOException {
    IsolatedSession session = sessions.find(exchange.pathParameter("id"));
    List<Mounted> copies = requireCopies(session);
    session.using().readLock().lock();
    try {
      ChangesArchive changes = changes(copies);
      Headers headers = Headers.of("Content-Type", "application/gzip");
      headers.set("Content-Disposition", "attachment; filename=\"diff.tar.gz\"");
      OutputStream out = exchange.startStream(200, headers, OptionalLong.empty());
      changes.write(out);
      out.close();
    } finally {
      session.using().readLock().unlock();
    }
  }

  private static ChangesArchive changes(List<Mounted> copies) {
    List<ChangesArchive.Part> parts = new ArrayList<>();
    long bytes = 0;
    for (Mounted mount : copies) {
      String prefix = copies.size() == 1 ? "" : mount.path().toString().substring(1) + "/";
      List<Path> changed = new ArrayList<>();
      List<Path> removed = new ArrayList<>();
      bytes += collect(mount, changed, removed);
      parts.add(new ChangesArchive.Part(mount.actual(), prefix, changed, removed));
    }
    if (bytes > MAX_DIFF_BYTES) {
      throw new ExecdException(
          ErrorCode.TOO_LARGE, "the changes exceed " + MAX_DIFF_BYTES + " bytes");
    }
    return new ChangesArchive(parts);
  }

  private static long collect(Mounted mount, List<Path> changed, List<Path> removed) {
    long bytes = 0;
    try {
      for (WorkspaceCopy.Difference difference : copyOf(mount).differences()) {
        switch (difference) {
          case WorkspaceCopy.Difference.Changed(Path path) -> {
            changed.add(path);
            bytes += FileStatus.ofLink(mount.actual().resolve(path)).size();
          }
          case WorkspaceCopy.Difference.Removed(Path path) -> removed.add(path);
        }
      }
    } catch (IOException e) {
      throw FileErrors.failed("cannot look for changes in", mount.path(), e);
    }
    return bytes;
  }

  private static WorkspaceCopy copyOf(Mounted mount) {
    WorkspaceCopy copy = mount.copy();
    if (copy == null) {
      throw new IllegalArgumentException(mount.path() + " is no copy");
    }
    return copy;
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
    body.flag("reset_upper_after"); // a commit leaves no difference, so there is nothing to reset
    List<Mounted> copies = requireCopies(session);
    Lock alone = session.using().writeLock();
    awaitAlone(alone);
    try {
      for (Mounted mount : copies) {
        commit(mount);
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

  private static void commit(Mounted mount) {
    try {
      copyOf(mount).commit();
    } catch (IOException e) {
      throw FileErrors.failed("cannot commit to", mount.path(), e);
    }
  }
}
