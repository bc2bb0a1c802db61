package io.opensandbox.execd.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CommandLogTest {
  private static final CommandLimits LIMITS =
      new CommandLimits(3, Duration.ofHours(1), 5, 1 << 20, 1 << 20);

  @TempDir Path folder;
  private Instant now = Instant.parse("2026-06-15T08:30:00.123456789Z");
  private CommandLog log;

  @BeforeEach
  void makeLog() {
    log = newLog();
  }

  @Test
  void savedCommandsAreThereAgainWithTheirOutputAndKeys() throws IOException {
    Command done = add("aa", "key", 0);
    append(done, "output");
    log.ended(done, new CommandState.Ended(3, "exit status 3", now));
    log.save();

    CommandLog other = newLog();
    other.restore();

    Command restored = other.find("aa").orElseThrow();
    assertThat(restored.content()).isEqualTo("echo \"x\"");
    assertThat(restored.startedAt()).isEqualTo(now);
    assertThat(restored.state()).isEqualTo(new CommandState.Ended(3, "exit status 3", now));
    var block = new byte[100];
    try (Journal.Reader reader = restored.journal().readerAt(0)) {
      assertThat(new String(block, 0, reader.read(block), StandardCharsets.UTF_8))
          .isEqualTo("output");
    }
    assertThat(other.add("bb", request(), "key", 0).command()).isSameAs(restored);
    assertThat(newLog().all()).isEmpty();
  }

  @Test
  void outputThatNobodyKnowsIsDeletedAtRestore() throws IOException {
    Files.createDirectories(folder.resolve("log"));
    Files.writeString(folder.resolve("log/0123.0"), "left by a JVM that died");

    log.restore();

    assertThat(folder.resolve("log/0123.0")).doesNotExist();
  }

  @Test
  void tornArchiveIsAnErrorOnceAndThenGone() throws IOException {
    Files.createDirectories(folder.resolve("log"));
    Files.writeString(folder.resolve("log/commands.json"), "{\"commands\":[");

    assertThatThrownBy(log::restore).isInstanceOf(IOException.class);
    log.restore();

    assertThat(log.all()).isEmpty();
  }

  @Test
  void oldestEndedCommandsGoFirst_runningOnesStay() {
    Command running = add("run", null, 0);
    for (int i = 0; i < 6; i++) {
      Command command = add("c" + i, null, 0);
      log.ended(command, new CommandState.Ended(0, "", now));
    }

    log.prune();

    assertThat(log.all().stream().map(Command::id)).containsExactly("run", "c3", "c4", "c5");
    assertThat(running.isAlive()).isTrue();
  }

  @Test
  void unrecordedCommandIsSeenByNobody_notEvenAfterARestart() throws IOException {
    Command running = log.addUnrecorded("aa", request());
    assertThat(log.all()).isEmpty();
    assertThat(log.find("aa")).isEmpty();

    append(running, "output");
    log.ended(running, new CommandState.Ended(0, "", now));
    log.save();
    CommandLog other = newLog();
    other.restore();
    log.dropUnrecorded(running);

    assertThat(other.all()).isEmpty();
    assertThat(running.journal().start()).isEqualTo(running.journal().end());
    Command recorded = add("bb", null, 0);
    log.dropUnrecorded(recorded);
    assertThat(log.find("bb")).containsSame(recorded);
  }

  @Test
  void oldCommandsAreForgotten() {
    Command command = add("aa", null, 0);
    log.ended(command, new CommandState.Ended(0, "", now));
    now = now.plus(Duration.ofMinutes(61));

    log.prune();

    assertThat(log.find("aa")).isEmpty();
  }

  @Test
  void tooManyAtOnceAreRefused() {
    for (int i = 0; i < 5; i++) {
      add("c" + i, null, 0);
    }

    assertThatThrownBy(() -> add("c5", null, 0))
        .isInstanceOf(ExecdException.class)
        .hasMessageContaining("5 commands running");
  }

  private Command add(String id, @Nullable String key, long fingerprint) {
    return log.add(id, request(), key, fingerprint).command();
  }

  private static CommandRequest request() {
    JsonObject body =
        JsonParser.parseObject("{\"command\":\"echo \\\"x\\\"\"}".getBytes(StandardCharsets.UTF_8));
    return CommandRequest.of(body, AccountDatabase.ofSystem());
  }

  private static void append(Command command, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    command.journal().append(bytes, bytes.length, 0, false);
    command.journal().finish();
  }

  private CommandLog newLog() {
    return new CommandLog(folder.resolve("log"), LIMITS, (InstantSource) () -> now);
  }
}
