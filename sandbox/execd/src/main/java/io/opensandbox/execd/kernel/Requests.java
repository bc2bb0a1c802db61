package io.opensandbox.execd.kernel;

import io.opensandbox.execd.json.JsonWriter;
import java.time.Clock;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/// Makes the requests of one client session; safe for many threads.
final class Requests {
  private final String session = UUID.randomUUID().toString();
  private final AtomicLong counter = new AtomicLong();
  private final Clock clock;

  Requests(Clock clock) {
    this.clock = clock;
  }

  /// Runs code; the kernel must not ask for input (jupyter-client messaging, "Execute").
  Request execute(String code) {
    byte[] content =
        new JsonWriter()
            .beginObject()
            .field("code", code)
            .field("silent", false)
            .field("store_history", true)
            .name("user_expressions")
            .beginObject()
            .endObject()
            .field("allow_stdin", false)
            .field("stop_on_error", true)
            .endObject()
            .toBytes();
    return request(Message.Channel.SHELL, "execute_request", content);
  }

  /// Asks whether the kernel answers.
  Request kernelInfo() {
    return request(Message.Channel.SHELL, "kernel_info_request", empty());
  }

  /// Asks the kernel to stop what it runs; for specs with `interrupt_mode` `message`.
  Request interrupt() {
    return request(Message.Channel.CONTROL, "interrupt_request", empty());
  }

  /// Asks the kernel to end.
  Request shutdown() {
    byte[] content = new JsonWriter().beginObject().field("restart", false).endObject().toBytes();
    return request(Message.Channel.CONTROL, "shutdown_request", content);
  }

  private static byte[] empty() {
    return new JsonWriter().beginObject().endObject().toBytes();
  }

  private Request request(Message.Channel channel, String type, byte[] content) {
    String id = session + "-" + counter.incrementAndGet();
    byte[] header =
        new JsonWriter()
            .beginObject()
            .field("msg_id", id)
            .field("msg_type", type)
            .field("username", "execd")
            .field("session", session)
            .field("date", clock.instant().toString())
            .field("version", "5.3")
            .endObject()
            .toBytes();
    return new Request(channel, id, type, header, content);
  }
}
