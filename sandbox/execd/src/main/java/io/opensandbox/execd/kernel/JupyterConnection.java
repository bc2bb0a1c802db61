package io.opensandbox.execd.kernel;

import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.json.JsonPrefix;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/// A kernel behind a Jupyter server, over the server's WebSocket for all channels.
final class JupyterConnection implements KernelConnection {
  private static final long LIMIT_SECONDS = 30;

  private final JupyterServer server;
  private final String sessionId;
  private final String kernelId;
  private final Receiver receiver;
  private final WebSocket socket;

  private JupyterConnection(
      JupyterServer server,
      String sessionId,
      String kernelId,
      Receiver receiver,
      WebSocket socket) {
    this.server = server;
    this.sessionId = sessionId;
    this.kernelId = kernelId;
    this.receiver = receiver;
    this.socket = socket;
  }

  /// Opens the channels of a kernel.
  static JupyterConnection open(
      HttpClient client, JupyterServer server, URI channels, String sessionId, String kernelId)
      throws IOException {
    Receiver receiver = new Receiver();
    WebSocket socket =
        await(
            client
                .newWebSocketBuilder()
                .connectTimeout(Duration.ofSeconds(LIMIT_SECONDS))
                .buildAsync(channels, receiver));
    return new JupyterConnection(server, sessionId, kernelId, receiver, socket);
  }

  @Override
  public String id() {
    return sessionId;
  }

  @Override
  public void start(MessageHandler handler) {
    receiver.deliverTo(handler);
    socket.request(1);
  }

  @Override
  public synchronized void send(Request request) throws IOException {
    String text =
        "{\"channel\":\""
            + request.channel().wire()
            + "\",\"header\":"
            + new String(request.header(), StandardCharsets.UTF_8)
            + ",\"parent_header\":{},\"metadata\":{},\"buffers\":[],\"content\":"
            + new String(request.content(), StandardCharsets.UTF_8)
            + "}";
    await(socket.sendText(text, true));
  }

  @Override
  public void interrupt(Requests requests) throws IOException {
    server.interrupt(kernelId);
  }

  @Override
  public boolean isOpen() {
    return !receiver.hasEnded();
  }

  @Override
  public void shutDown(Requests requests, Duration grace) throws IOException {
    server.deleteSession(sessionId);
  }

  @Override
  public void close() {
    socket.abort();
  }

  private static <T> T await(CompletionStage<T> stage) throws IOException {
    try {
      return stage.toCompletableFuture().get(LIMIT_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new IOException("the Jupyter server's channel failed: " + e.getCause(), e);
    } catch (TimeoutException e) {
      throw new IOException("the Jupyter server's channel did not answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for the Jupyter server", e);
    }
  }

  /// Takes frames one after another, from when somebody listens: before, none is asked for.
  private static final class Receiver implements WebSocket.Listener {
    private final ByteArrayOutputStream partial = new ByteArrayOutputStream();
    private volatile @Nullable MessageHandler handler;
    private volatile boolean ended;
    private boolean isCut;

    void deliverTo(MessageHandler listener) {
      handler = listener;
    }

    boolean hasEnded() {
      return ended;
    }

    /// Asks for nothing yet: the server talks at once, and a frame that must wait for its listener
    /// would hold up the thread that tells of the open connection.
    @Override
    public void onOpen(WebSocket socket) {}

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
      byte[] bytes = data.toString().getBytes(StandardCharsets.UTF_8);
      int room = Execution.MAX_PIECE_BYTES - partial.size();
      isCut |= bytes.length > room;
      partial.write(bytes, 0, Math.min(bytes.length, room));
      if (last) {
        byte[] message = partial.toByteArray();
        boolean whole = !isCut;
        partial.reset();
        isCut = false;
        if (whole) {
          deliver(message);
        } else {
          deliverCut(Arrays.copyOf(message, ZmtpSocket.KEPT_BYTES));
        }
      }
      socket.request(1);
      return null;
    }

    @Override
    public @Nullable CompletionStage<?> onClose(WebSocket socket, int status, String reason) {
      end("the Jupyter server closed the kernel's channel: " + status + " " + reason);
      return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
      end("the kernel's channel broke: " + error.getMessage());
    }

    private void deliver(byte[] json) {
      try {
        JsonObject message = JsonParser.parseObject(json);
        deliver(message, message.stringOrEmpty("channel"), json.length, false);
      } catch (ExecdException e) {
        end("the Jupyter server sent something that is not JSON: " + e.getMessage());
      }
    }

    /// The server writes the payload after the headers, and the channel last.
    private void deliverCut(byte[] beginning) {
      JsonObject message = JsonPrefix.parseObject(beginning);
      String type = header(message).stringOrEmpty("msg_type");
      Message.Channel channel =
          type.endsWith("_reply") ? Message.Channel.SHELL : Message.Channel.IOPUB;
      deliver(message, channel.wire(), beginning.length, true);
    }

    private void deliver(JsonObject message, String channel, int size, boolean cut) {
      JsonObject header = header(message);
      JsonObject content = message.object("content").orElse(JsonObject.EMPTY);
      MessageHandler listener = handler;
      if (listener == null) {
        return;
      }
      if (isDeath(header, content)) {
        end("the kernel died and the Jupyter server starts it again");
        return;
      }
      String parent =
          message.object("parent_header").orElse(JsonObject.EMPTY).stringOrEmpty("msg_id");
      String type = header.stringOrEmpty("msg_type");
      Arrays.stream(Message.Channel.values())
          .filter(known -> known.wire().equals(channel))
          .findFirst()
          .ifPresent(
              known -> listener.message(new Message(known, type, parent, content, size, cut)));
    }

    private static JsonObject header(JsonObject message) {
      return message.object("header").orElse(JsonObject.EMPTY);
    }

    /// Jupyter tells of a kernel that died by a status without a parent.
    private static boolean isDeath(JsonObject header, JsonObject content) {
      if (!header.stringOrEmpty("msg_type").equals("status")) {
        return false;
      }
      String state = content.stringOrEmpty("execution_state");
      return state.equals("dead") || state.equals("restarting") || state.equals("autorestarting");
    }

    private void end(String reason) {
      ended = true;
      MessageHandler listener = handler;
      if (listener != null) {
        listener.end(reason);
      }
    }
  }
}
