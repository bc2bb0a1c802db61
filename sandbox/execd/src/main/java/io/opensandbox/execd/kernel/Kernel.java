package io.opensandbox.execd.kernel;

import io.opensandbox.execd.json.JsonArray;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonValue;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// One running kernel. Runs one piece of code at a time; a second run while one is under way is
/// refused, an interrupt from another thread is not.
///
/// Messages are matched by the parent's id, so output of an earlier run, or of a thread that the
/// code left behind, never ends up in this one. A kernel that dies ends the run at once.
public final class Kernel implements AutoCloseable {
  private static final int QUEUED_MESSAGES = 256;
  private static final int QUEUED_BYTES = Execution.MAX_PIECE_BYTES;
  private static final Duration NUDGE = Duration.ofMillis(250);
  private static final Duration GRACE = Duration.ofSeconds(1);

  private final KernelConnection connection;
  private final Requests requests;
  private final ReentrantLock running = new ReentrantLock();
  private volatile @Nullable Run current;
  private volatile @Nullable String endReason;

  private Kernel(KernelConnection connection, Requests requests) {
    this.connection = connection;
    this.requests = requests;
  }

  /// Takes a connection over and waits until the kernel answers on every channel.
  ///
  /// @throws IOException when it does not within `limit`, or dies; the connection is closed then
  static Kernel open(KernelConnection connection, Requests requests, Duration limit)
      throws IOException {
    Kernel kernel = new Kernel(connection, requests);
    try {
      connection.start(kernel.new Messages());
      kernel.awaitReady(limit);
      return kernel;
    } catch (IOException | RuntimeException e) {
      connection.close();
      throw e;
    }
  }

  /// The Jupyter server's session id, or a random UUID for a kernel of execd's own.
  public String id() {
    return connection.id();
  }

  /// Whether the kernel can still run code.
  public boolean isAlive() {
    return endReason == null && connection.isOpen();
  }

  /// Whether code runs now.
  public boolean isBusy() {
    return running.isLocked();
  }

  /// Runs code and returns after its last event. Blocks as long as the code runs.
  ///
  /// @return false, without any event, when the kernel is running something else
  /// @throws IOException from `execution`; the code runs on then and its output is dropped
  public boolean run(String code, Execution execution) throws IOException {
    if (!running.tryLock()) {
      return false;
    }
    Optional<Failure> failure;
    try {
      failure = relay(requests.execute(code), execution);
    } finally {
      running.unlock();
    }
    // Whoever hears of the end may run the next piece at once.
    if (failure.isEmpty()) {
      execution.complete();
    } else {
      execution.error(failure.get().name, failure.get().value, failure.get().traceback);
    }
    return true;
  }

  /// Sends a request and passes on what comes back, up to the end.
  ///
  /// @return why the code failed; empty when it did not
  private Optional<Failure> relay(Request request, Execution execution) throws IOException {
    Run run = begin(request);
    try {
      send(request);
      return relay(run, execution);
    } catch (KernelDied e) {
      return Optional.of(new Failure("KernelDied", String.valueOf(e.getMessage()), List.of()));
    } finally {
      end(run);
    }
  }

  /// Stops what runs; nothing happens to an idle kernel.
  public void interrupt() throws IOException {
    connection.interrupt(requests);
  }

  /// Ends the kernel, asking it first.
  @Override
  public void close() {
    try {
      connection.shutDown(requests, GRACE);
    } catch (IOException _) {
      // It is going away anyway; close() below kills what is left.
    } finally {
      connection.close();
    }
  }

  private void awaitReady(Duration limit) throws IOException {
    long deadline = System.nanoTime() + limit.toNanos();
    boolean replied = false;
    boolean published = false;
    while (!replied || !published) {
      // Output is published only to who has subscribed; that has no acknowledgement, so ask again
      // until an answer is seen there too (as jupyter-client's "nudge").
      Request request = requests.kernelInfo();
      Run run = begin(request);
      send(request);
      long nudge = System.nanoTime() + NUDGE.toNanos();
      Message message;
      while ((!replied || !published) && (message = run.poll(nudge - System.nanoTime())) != null) {
        replied |= message.channel() == Message.Channel.SHELL;
        published |= message.channel() == Message.Channel.IOPUB;
      }
      end(run);
      if ((!replied || !published) && System.nanoTime() > deadline) {
        throw new IOException("the kernel did not answer within " + limit.toSeconds() + " s");
      }
    }
  }

  private Run begin(Request request) {
    Run run = new Run(request.id());
    current = run;
    String reason = endReason;
    if (reason != null) {
      run.end(reason);
    }
    return run;
  }

  private void end(Run run) {
    current = null;
    run.abandon();
  }

  /// A connection that breaks while sending is a kernel that died.
  private void send(Request request) throws IOException {
    try {
      connection.send(request);
    } catch (IOException e) {
      String reason = endReason;
      throw new KernelDied(
          reason != null ? reason : "the connection to the kernel broke: " + e.getMessage());
    }
  }

  /// A run is over when the kernel is idle again and the reply came, in either order: output may
  /// still be on its way when the reply is there.
  private static Optional<Failure> relay(Run run, Execution execution) throws IOException {
    boolean idle = false;
    boolean replied = false;
    Failure failure = null;
    while (!idle || !replied) {
      Message message = run.take();
      JsonObject content = message.content();
      switch (message.type()) {
        case "stream" -> {
          String text = content.stringOrEmpty("text");
          if (!text.isEmpty()) {
            execution.output(stream(content), text);
          }
        }
        case "execute_result" -> {
          if (!message.isCut()) {
            execution.result(content.integer("execution_count").orElse(0), bundle(content));
          }
        }
        case "display_data", "update_display_data" -> {
          if (!message.isCut()) {
            execution.result(0, bundle(content));
          }
        }
        case "error" -> failure = Failure.of(content);
        case "status" -> idle |= content.stringOrEmpty("execution_state").equals("idle");
        case "execute_reply" -> {
          replied = true;
          if (failure == null && !content.stringOrEmpty("status").equals("ok")) {
            failure = Failure.of(content);
          }
        }
        default -> {
          // execute_input, comm and clear_output have no event in this API.
        }
      }
      if (message.isCut()) {
        execution.cut();
      }
    }
    return Optional.ofNullable(failure);
  }

  private static Execution.Stream stream(JsonObject content) {
    return content.stringOrEmpty("name").equals("stderr")
        ? Execution.Stream.STDERR
        : Execution.Stream.STDOUT;
  }

  private static JsonObject bundle(JsonObject content) {
    return content.object("data").orElse(JsonObject.EMPTY);
  }

  private record Failure(String name, String value, List<String> traceback) {
    static Failure of(JsonObject content) {
      List<String> lines =
          content.array("traceback").orElse(new JsonArray(List.of())).values().stream()
              .filter(JsonValue.Text.class::isInstance)
              .map(line -> ((JsonValue.Text) line).value())
              .toList();
      String name = content.stringOrEmpty("ename");
      if (name.isEmpty() && content.stringOrEmpty("status").equals("aborted")) {
        name = "ExecutionAborted";
      }
      return new Failure(name, content.stringOrEmpty("evalue"), lines);
    }
  }

  private static final class KernelDied extends IOException {
    private static final long serialVersionUID = 1L;

    KernelDied(String reason) {
      super(reason);
    }
  }

  /// The messages of one request. The bound makes a client that does not read slow the kernel down.
  private static final class Run {
    private final String id;
    // Guarded by this.
    private final Deque<Message> queue = new ArrayDeque<>();
    private long queuedBytes;
    private @Nullable String endReason;
    private boolean isAbandoned;

    Run(String id) {
      this.id = id;
    }

    /// The next message; what came before the kernel's death comes first.
    synchronized Message take() throws IOException {
      while (true) {
        Message message = poll(TimeUnit.DAYS.toNanos(1));
        if (message != null) {
          return message;
        }
      }
    }

    /// The next message, or null after `nanos`.
    synchronized @Nullable Message poll(long nanos) throws IOException {
      long deadline = System.nanoTime() + nanos;
      try {
        while (queue.isEmpty()) {
          if (endReason != null) {
            throw new KernelDied(endReason);
          }
          long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
          if (left <= 0) {
            return null;
          }
          wait(left);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while waiting for the kernel", e);
      }
      notifyAll();
      Message message = queue.remove();
      queuedBytes -= message.size();
      return message;
    }

    private boolean isFull() {
      return queue.size() >= QUEUED_MESSAGES || queuedBytes >= QUEUED_BYTES;
    }

    synchronized void offer(Message message) {
      try {
        while (isFull() && !isAbandoned && endReason == null) {
          wait();
        }
      } catch (InterruptedException _) {
        Thread.currentThread().interrupt();
        return;
      }
      if (!isAbandoned) {
        queue.add(message);
        queuedBytes += message.size();
        notifyAll();
      }
    }

    synchronized void end(String reason) {
      endReason = reason;
      notifyAll();
    }

    /// Nobody takes any more: what waits and what comes is dropped.
    synchronized void abandon() {
      isAbandoned = true;
      queue.clear();
      notifyAll();
    }
  }

  private final class Messages implements KernelConnection.MessageHandler {
    @Override
    public void message(Message message) {
      Run run = current;
      if (run != null && run.id.equals(message.parentId())) {
        run.offer(message);
      }
    }

    @Override
    public void end(String reason) {
      endReason = reason;
      Run run = current;
      if (run != null) {
        run.end(reason);
      }
    }
  }
}
