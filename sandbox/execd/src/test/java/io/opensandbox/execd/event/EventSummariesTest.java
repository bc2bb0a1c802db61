package io.opensandbox.execd.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class EventSummariesTest {
  private static final long START = 1781500000000L;

  private final List<String> log = new ArrayList<>();
  private final EventSummaries summaries = new EventSummaries(log::add, START);

  @Test
  void tellsTypeTextErrorAndAge() throws IOException {
    add(
        events -> {
          events.init("5f1c");
          events.ping();
          events.output(TextKind.STDOUT, "a \"b\"\t<é\\".getBytes(StandardCharsets.UTF_8));
          events.error("CommandExecError", "3", List.of("exit status 3"));
          events.complete(4);
        },
        START + 12);

    assertThat(log)
        .containsExactly(
            "event init \"5f1c\" after 12ms",
            "event stdout \"a \"b\"\t<é\\\" after 12ms",
            "event error \"CommandExecError: 3\" after 12ms",
            "event execution_complete after 12ms");
  }

  @Test
  void cutsTextAt100AndErrorsAt80() throws IOException {
    add(
        events -> {
          events.output(TextKind.STDERR, "<".repeat(5000).getBytes(StandardCharsets.UTF_8));
          events.error("E", "v".repeat(500), List.of());
        },
        START);

    assertThat(log)
        .containsExactly(
            "event stderr \"" + "<".repeat(100) + "\" after 0ms",
            "event error \"E: " + "v".repeat(77) + "\" after 0ms");
  }

  @Test
  void anEventThatGoesOnInTheNextBatchIsToldOnce() {
    add("{\"type\":\"stdout\",\"text\":\"begin", true);
    add(" middle", true);
    add("end\",\"timestamp\":1}\n\n{\"type\":\"init\",\"text\":\"x\",\"timestamp\":1}\n\n", false);

    assertThat(log)
        .containsExactly("event stdout \"begin\" after 0ms", "event init \"x\" after 0ms");
  }

  @Test
  void ofManyOutputsInASecondEachHundredthIsTold() throws IOException {
    for (int i = 0; i < 100; i++) {
      if (!summaries.skips(10, false, START)) {
        add(
            events -> {
              for (int j = 0; j < 10; j++) {
                events.output(TextKind.STDOUT, new byte[] {'x'});
              }
            },
            START);
      }
    }
    assertThat(log).hasSize(100 + 9);

    add(events -> events.output(TextKind.STDOUT, new byte[] {'y'}), START + 1000);
    assertThat(log).hasSize(100 + 9 + 1);
  }

  @Test
  void theEndIsToldWhateverCameBefore() throws IOException {
    add(
        events -> {
          for (int i = 0; i < 150; i++) {
            events.output(TextKind.STDOUT, new byte[] {'x'});
          }
          events.complete(1);
        },
        START);

    assertThat(log).hasSize(101).last().isEqualTo("event execution_complete after 0ms");
  }

  private interface Writer {
    void write(EventBuffer events) throws IOException;
  }

  private void add(Writer writer, long nowMillis) throws IOException {
    var events =
        new EventBuffer(
            InstantSource.fixed(Instant.ofEpochMilli(START)),
            (bytes, length, _, open) -> summaries.add(bytes, length, open, nowMillis));
    writer.write(events);
    events.flush();
  }

  private void add(String batch, boolean open) {
    byte[] bytes = batch.getBytes(StandardCharsets.UTF_8);
    summaries.add(bytes, bytes.length, open, START);
  }
}
