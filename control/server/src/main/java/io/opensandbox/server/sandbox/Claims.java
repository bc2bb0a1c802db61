package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.protocol.lifecycle.SandboxState;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Gives members of pools to clients. A claim is one compare-and-set on the member's row; the
/// runtime is not asked. Until the client can be answered the row says that it is being made, so
/// that a server that dies in between leaves nothing.
final class Claims {
  private static final Logger LOG = LoggerFactory.getLogger(Claims.class);
  private static final int CANDIDATES = 64;
  private static final Duration ANSWER_LIMIT = Duration.ofSeconds(5);
  private static final Duration START_LIMIT = Duration.ofSeconds(10);

  // A client's environment goes into the file that execd reads before each start of a process.
  private static final String KEEP_ENVIRONMENT =
      "printf '\\n%s\\n' \"$OPENSANDBOX_CLAIM\" >> \"${EXECD_ENVS:?}\"";
  // The first process's output is the sandbox's log; the entrypoint writes there if it may.
  private static final String INTO_LOG =
      "if ( : >> /proc/1/fd/1 ) 2>/dev/null; then exec >> /proc/1/fd/1 2>&1; fi; exec ";

  private final SandboxStore sandboxes;
  private final MemberStore members;
  private final Provisioner provisioner;
  private final SandboxExecd execd;
  private final Consumer<String> discarded;

  /// @param discarded is told of members that turned out to be unusable
  Claims(SandboxParts parts, MemberStore members, SandboxExecd execd, Consumer<String> discarded) {
    this.sandboxes = parts.store();
    this.members = members;
    this.provisioner = parts.provisioner();
    this.execd = execd;
    this.discarded = discarded;
  }

  /// How a claim ended.
  sealed interface Outcome {
    /// The client has a sandbox.
    record Claimed(SandboxRow row) implements Outcome {}

    /// The client's key was used before.
    record Repeated(EarlierCreate earlier) implements Outcome {}

    /// There is no member, or none that can be what was asked for.
    record None() implements Outcome {}
  }

  /// Claims the oldest member that is alive.
  ///
  /// @param wanted the sandbox that was asked for
  Outcome claim(
      PoolTemplate template,
      CreateRequest request,
      SandboxRow wanted,
      Optional<IdempotencyKey> key) {
    if (!canBecome(template, request, wanted)) {
      return new Outcome.None();
    }
    for (String id : members.claimable(template, CANDIDATES)) {
      Optional<Provisioning> hold = provisioner.hold(id);
      if (hold.isEmpty()) {
        continue; // another request of this server is at it
      }
      try {
        FutureTask<Boolean> answer = ask(id, template);
        switch (members.claim(id, wanted, key)) {
          case MemberStore.Claim.Lost _ -> {}
          case MemberStore.Claim.Repeated(EarlierCreate earlier) -> {
            return new Outcome.Repeated(earlier);
          }
          case MemberStore.Claim.Taken _ -> {
            if (answers(answer, id, template)
                && prepare(id, template, request, wanted)
                && finish(id, wanted)) {
              return new Outcome.Claimed(sandboxes.find(id).orElse(wanted));
            }
            discard(id, wanted);
          }
        }
      } finally {
        provisioner.release(id, hold.get());
      }
    }
    return new Outcome.None();
  }

  // Whether a sandbox that runs already can be made what was asked for.
  private boolean canBecome(PoolTemplate template, CreateRequest request, SandboxRow wanted) {
    String image = wanted.definition().image();
    return ClaimEnvironment.fits(request.env())
        && (request.env().isEmpty() || execd.keepsEnvironment(image))
        && (!needsStart(template, request) || execd.runsCommands(image));
  }

  private boolean finish(String id, SandboxRow wanted) {
    return sandboxes.finishCreate(id, Intent.KEEP, running(wanted));
  }

  private static Status running(SandboxRow wanted) {
    return new Status(
        SandboxState.RUNNING,
        "CONTAINER_RUNNING",
        "Sandbox container is running.",
        wanted.createdAt());
  }

  // The member's daemon is asked while the row is written: a claim takes as long as the slower one.
  private FutureTask<Boolean> ask(String id, PoolTemplate template) {
    var answer = new FutureTask<>(() -> execd.answers(id, template.execdToken(), ANSWER_LIMIT));
    Thread.ofVirtual().name("claim-" + id).start(answer);
    return answer;
  }

  private static boolean answers(FutureTask<Boolean> answer, String id, PoolTemplate template) {
    try {
      if (answer.get()) {
        return true;
      }
      LOG.warn("sandbox {}: member of pool {} does not answer", id, template.pool());
    } catch (ExecutionException e) {
      LOG.warn("sandbox {}: member of pool {}: ", id, template.pool(), e.getCause());
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
    return false;
  }

  private boolean prepare(
      String id, PoolTemplate template, CreateRequest request, SandboxRow wanted) {
    Optional<String> token = template.execdToken();
    try {
      if (!request.env().isEmpty()) {
        Map<String, String> env =
            Map.of("OPENSANDBOX_CLAIM", ClaimEnvironment.lines(request.env()));
        execd.run(id, token, new SandboxExecd.Command(KEEP_ENVIRONMENT, env, false), START_LIMIT);
      }
      if (needsStart(template, request)) {
        String command = INTO_LOG + quoted(wanted.definition().entrypoint());
        execd.run(id, token, new SandboxExecd.Command(command, request.env(), true), START_LIMIT);
      }
      return true;
    } catch (IOException | SandboxException e) {
      LOG.warn("sandbox {}: member of pool {}: {}", id, template.pool(), e.getMessage());
      return false;
    }
  }

  // What the template runs is running already.
  private static boolean needsStart(PoolTemplate template, CreateRequest request) {
    return !request.entrypoint().isEmpty()
        && !Entrypoints.split(request.entrypoint()).equals(Entrypoints.KEEP_RUNNING)
        && !Entrypoints.split(request.entrypoint()).equals(template.entrypoint());
  }

  private void discard(String id, SandboxRow wanted) {
    sandboxes.markForRemoval(id, Intent.FORGET, Status.stopping(wanted.createdAt()));
    sandboxes.makers().release(id);
    discarded.accept(id);
  }

  /// A command for a POSIX shell that gives exactly these words.
  static String quoted(List<String> words) {
    var line = new StringBuilder();
    for (String word : words) {
      line.append(line.isEmpty() ? "" : " ");
      line.append('\'').append(word.replace("'", "'\\''")).append('\'');
    }
    return line.toString();
  }
}
