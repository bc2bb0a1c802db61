package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.SandboxRuntime;
import java.time.Duration;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/// The one way in which sandboxes go: for delete, expiry and what a crash left behind.
final class Removal {
  private static final Duration CANCEL_LIMIT = Duration.ofSeconds(10);
  // Under the 30 s after which clients give up.
  private static final Duration CAPTURE_LIMIT = Duration.ofSeconds(25);

  private final SandboxRuntime runtime;
  private final SandboxStore store;
  private final Provisioner provisioner;
  private final Captures captures;
  private final InstantSource clock;

  Removal(SandboxParts parts, Captures captures) {
    this.runtime = parts.runtime();
    this.store = parts.store();
    this.provisioner = parts.provisioner();
    this.captures = captures;
    this.clock = parts.clock();
  }

  /// Removes a sandbox whatever it is doing. Call with its lock held. When the runtime fails, the
  /// row stays and the reconciler tries again.
  void remove(SandboxRow row) {
    @Nullable Provisioning provisioning = provisioner.active(row.id());
    if (provisioning != null) {
      cancel(row, provisioning);
      return;
    }
    if (store.makers().isOthers(row.id())) {
      // The server that makes it sees that it is not wanted, stops and cleans up.
      store.markForRemoval(row.id(), Intent.FORGET, Status.stopping(clock.instant()));
      return;
    }
    captures.awaitNone(row.id(), CAPTURE_LIMIT);
    Intent intent = row.intent() == Intent.FORGET ? Intent.FORGET : Intent.REMOVE;
    if (row.intent() != intent) {
      store.markForRemoval(row.id(), intent, Status.stopping(clock.instant()));
    }
    finish(row.id());
  }

  /// Removes a member of a pool, unless somebody has claimed it. Call with its lock held.
  void removeMember(SandboxRow row) {
    if (store.makers().isOthers(row.id())
        || !store.markMemberForRemoval(row.id(), Status.stopping(clock.instant()))) {
      return;
    }
    @Nullable Provisioning provisioning = provisioner.active(row.id());
    if (provisioning == null) {
      finish(row.id());
    } else {
      stop(provisioning);
    }
  }

  /// Removes what the runtime has of a sandbox, then its row.
  void finish(String id) {
    try {
      runtime.remove(id, Duration.ZERO);
    } catch (SandboxException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new SandboxException(
          ErrorCode.DELETE_FAILED, "cannot remove sandbox \"" + id + "\": " + e.getMessage(), e);
    }
    store.delete(id);
  }

  // The create's own thread cleans up and removes the row. If it hangs, clients see the sandbox
  // gone all the same and the clean-up follows.
  private void cancel(SandboxRow row, Provisioning provisioning) {
    store.markForRemoval(row.id(), Intent.FORGET, Status.stopping(clock.instant()));
    stop(provisioning);
  }

  private static void stop(Provisioning provisioning) {
    provisioning.cancel();
    try {
      provisioning.awaitDone(CANCEL_LIMIT);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }
}
