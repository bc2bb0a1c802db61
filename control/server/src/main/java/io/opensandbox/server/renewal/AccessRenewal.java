package io.opensandbox.server.renewal;

import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.protocol.lifecycle.SandboxState;
import io.opensandbox.server.sandbox.SandboxRow;
import io.opensandbox.server.sandbox.SandboxService;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Turns signals of access into renewals, on a thread of its own, so that no request waits for one.
public final class AccessRenewal implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AccessRenewal.class);
  private static final int MAX_TRACKED = 8192;

  private final SandboxService service;
  private final InstantSource clock;
  private final Duration minInterval;
  // A signal that finds it full is dropped: there will be another one.
  private final BlockingQueue<Signal> signals = new ArrayBlockingQueue<>(MAX_TRACKED);
  // When each sandbox was last renewed, the least recently used first. Used by one thread only.
  private final Map<String, Instant> renewedAt =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Instant> eldest) {
          return size() > MAX_TRACKED;
        }
      };
  private final Thread worker;

  /// @param minInterval shortest time between two renewals of one sandbox
  public AccessRenewal(SandboxService service, InstantSource clock, Duration minInterval) {
    this.service = service;
    this.clock = clock;
    this.minInterval = minInterval;
    this.worker = Thread.ofVirtual().name("access-renewal").unstarted(this::work);
  }

  /// Begins to work.
  public void start() {
    worker.start();
    LOG.info("renew_event=workers_started");
  }

  /// A use of a sandbox.
  private record Signal(String sandboxId, Source source) {}

  /// Who told of a use.
  public enum Source {
    SERVER_PROXY,
    REDIS_QUEUE;

    private String wire() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /// Tells that a sandbox was used. Returns at once.
  public void accessed(String sandboxId, Source source) {
    boolean _ = signals.offer(new Signal(sandboxId, source));
  }

  @Override
  public void close() {
    worker.interrupt();
  }

  private void work() {
    try {
      while (true) {
        process(signals.take());
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  /// Renews a sandbox if it is due.
  private void process(Signal signal) {
    String sandboxId = signal.sandboxId();
    Instant now = clock.instant();
    Instant last = renewedAt.get(sandboxId);
    // A clock that was set back must not stop renewals until it has caught up.
    boolean recent = last != null && !now.isBefore(last) && now.isBefore(last.plus(minInterval));
    if (recent) {
      return;
    }
    try {
      SandboxRow row = service.get(sandboxId, "");
      Instant current = row.expiresAt().orElse(Instant.MAX);
      boolean wanted =
          row.status().state() == SandboxState.RUNNING
              && row.expiresAt().isPresent()
              && row.definition().accessRenewSeconds().isPresent();
      if (!wanted) {
        return;
      }
      Instant extended = now.plusSeconds(row.definition().accessRenewSeconds().getAsInt());
      service.renew(sandboxId, extended.isAfter(current) ? extended : current, "");
      renewedAt.put(sandboxId, now);
      LOG.info(
          "renew_event=renew_succeeded renew_source={} renew_sandbox_id={}",
          signal.source().wire(),
          sandboxId);
    } catch (SandboxException e) {
      LOG.info(
          "renew_event=renew_failed renew_source={} renew_sandbox_id={}"
              + " renew_skip_reason=renew_expiration_rejected: {}",
          signal.source().wire(),
          sandboxId,
          e.getMessage());
    } catch (RuntimeException e) {
      LOG.warn(
          "renew_event=renew_task_failed renew_source={} renew_sandbox_id={}"
              + " renew_skip_reason=renew_expiration_error",
          signal.source().wire(),
          sandboxId,
          e);
    }
  }
}
