package io.opensandbox.execd.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.Test;

class EventBufferTest {
  private final ByteArrayOutputStream wire = new ByteArrayOutputStream();
  private final EventBuffer events =
      new EventBuffer(
          InstantSource.fixed(Instant.ofEpochMilli(1781500000000L)),
          (bytes, length, _, _) -> wire.write(bytes, 0, length));

  @Test
  void eventsAreBareObjectsWithABlankLine() throws IOException {
    events.init("5f1c");
    events.ping();
    events.complete(7);
    events.flush();

    assertThat(wire.toString(StandardCharsets.UTF_8))
        .isEqualTo(
            """
            {"type":"init","text":"5f1c","timestamp":1781500000000}

            {"type":"ping","text":"pong","timestamp":1781500000000}

            {"type":"execution_complete","execution_time":7,"timestamp":1781500000000}

            """);
  }

  @Test
  void zeroExecutionTimeIsLeftOut() throws IOException {
    events.complete(0);
    events.flush();

    assertThat(wire.toString(StandardCharsets.UTF_8))
        .isEqualTo("{\"type\":\"execution_complete\",\"timestamp\":1781500000000}\n\n");
  }

  @Test
  void errorCarriesNameValueAndTraceback() throws IOException {
    events.error("CommandExecError", "3", List.of("exit status 3", "two"));
    events.flush();

    assertThat(wire.toString(StandardCharsets.UTF_8))
        .isEqualTo(
            "{\"type\":\"error\",\"timestamp\":1781500000000,\"error\":{\"ename\":"
                + "\"CommandExecError\",\"evalue\":\"3\",\"traceback\":[\"exit status 3\",\"two\"]}}\n\n");
  }
}
