package io.opensandbox.execd.kernel;

import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/// Kernels in memory that understand a few words: `print TEXT`, `value TEXT`, `display TEXT`,
/// `fail`, `hang` (until it is interrupted), `die`. Each run also sends a message with a foreign
/// parent, which nobody may see.
public final class FakeKernels implements KernelSource {
  private final List<String> opened = new CopyOnWriteArrayList<>();

  /// What was asked for: language and directory.
  public List<String> opened() {
    return List.copyOf(opened);
  }

  @Override
  public Kernel open(String language, @Nullable Path directory) throws IOException {
    if (language.equals("go")) {
      throw new NoKernelException("no kernel is installed for language \"go\"");
    }
    opened.add(language + " " + directory);
    return Kernel.open(new Connection(), new Requests(Clock.systemUTC()), Duration.ofSeconds(60));
  }

  private static final class Connection implements KernelConnection {
    private @Nullable MessageHandler handler;
    private volatile boolean isOpen = true;
    private volatile @Nullable Request hanging;
    private final String id = UUID.randomUUID().toString();
    private int count;

    @Override
    public String id() {
      return id;
    }

    @Override
    public void start(MessageHandler listener) {
      handler = listener;
    }

    @Override
    public void send(Request request) {
      if (request.type().equals("kernel_info_request")) {
        reply(request, "kernel_info_reply", "{}");
        publish(request.id(), "status", "{\"execution_state\":\"idle\"}");
        return;
      }
      if (request.type().equals("execute_request")) {
        String code = JsonParser.parseObject(request.content()).stringOrEmpty("code");
        Thread.ofVirtual().start(() -> run(request, code));
      }
    }

    private void run(Request request, String code) {
      String id = request.id();
      publish(id, "status", "{\"execution_state\":\"busy\"}");
      publish("foreign", "stream", "{\"name\":\"stdout\",\"text\":\"foreign\"}");
      String[] words = code.split(" ", 2);
      String rest = words.length > 1 ? words[1] : "";
      switch (words[0]) {
        case "print" -> publish(id, "stream", "{\"name\":\"stdout\",\"text\":\"" + rest + "\"}");
        case "value" ->
            publish(
                id,
                "execute_result",
                "{\"execution_count\":"
                    + ++count
                    + ",\"data\":{\"text/plain\":\""
                    + rest
                    + "\",\"application/json\":{\"a\":[1]}}}");
        case "display" ->
            publish(id, "display_data", "{\"data\":{\"image/png\":\"" + rest + "\"}}");
        case "fail" -> {
          fail(request, "ValueError", "bad");
          return;
        }
        case "hang" -> {
          hanging = request;
          publish(id, "stream", "{\"name\":\"stderr\",\"text\":\"hanging\"}");
          return;
        }
        case "die" -> {
          isOpen = false;
          handler().end("the kernel ended: signal: killed");
          return;
        }
        default -> {}
      }
      reply(request, "execute_reply", "{\"status\":\"ok\"}");
      publish(id, "status", "{\"execution_state\":\"idle\"}");
    }

    private void fail(Request request, String name, String value) {
      publish(
          request.id(),
          "error",
          "{\"ename\":\"%s\",\"evalue\":\"%s\",\"traceback\":[\"line 1\"]}".formatted(name, value));
      reply(request, "execute_reply", "{\"status\":\"error\"}");
      publish(request.id(), "status", "{\"execution_state\":\"idle\"}");
    }

    @Override
    public void interrupt(Requests requests) {
      Request request = hanging;
      hanging = null;
      if (request != null) {
        fail(request, "KeyboardInterrupt", "");
      }
    }

    @Override
    public boolean isOpen() {
      return isOpen;
    }

    @Override
    public void shutDown(Requests requests, Duration grace) {
      isOpen = false;
    }

    @Override
    public void close() {
      isOpen = false;
    }

    private MessageHandler handler() {
      MessageHandler listener = handler;
      if (listener == null) {
        throw new IllegalStateException("the connection was not started");
      }
      return listener;
    }

    private void reply(Request request, String type, String content) {
      deliver(Message.Channel.SHELL, request.id(), type, content);
    }

    private void publish(String parent, String type, String content) {
      deliver(Message.Channel.IOPUB, parent, type, content);
    }

    private void deliver(Message.Channel channel, String parent, String type, String content) {
      byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
      JsonObject json = JsonParser.parseObject(bytes);
      handler().message(new Message(channel, type, parent, json, bytes.length, false));
    }
  }
}
