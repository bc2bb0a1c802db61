package io.opensandbox.execd.code;

import io.opensandbox.execd.command.Interruptible;
import io.opensandbox.execd.kernel.Kernel;
import io.opensandbox.execd.kernel.KernelSource;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// Every context of the sandbox. Safe for many threads.
public final class CodeContexts implements Interruptible, AutoCloseable {
  /// More kernels than this in one sandbox are a mistake of the client.
  static final int MAX_CONTEXTS = 128;

  private final KernelSource kernels;
  private final Map<String, CodeContext> contexts = new ConcurrentHashMap<>();
  private final Map<String, DefaultContext> defaults = new ConcurrentHashMap<>();

  /// No contexts yet.
  public CodeContexts(KernelSource kernels) {
    this.kernels = kernels;
  }

  /// Starts a context, named for its first kernel; returns when that answers.
  ///
  /// @throws ExecdException `OUT_OF_RESOURCES` beyond [#MAX_CONTEXTS]
  CodeContext create(String language, @Nullable Path directory) throws IOException {
    if (contexts.size() >= MAX_CONTEXTS) {
      throw new ExecdException(
          ErrorCode.OUT_OF_RESOURCES,
          "there are %d code contexts already; delete some first".formatted(MAX_CONTEXTS));
    }
    Kernel kernel = kernels.open(language, directory);
    CodeContext context = new CodeContext(kernel.id(), language, directory, kernels, kernel);
    contexts.put(context.id(), context);
    return context;
  }

  /// The context that runs without a context id share; started at its first use.
  CodeContext defaultFor(String language) throws IOException {
    return defaults.computeIfAbsent(language, _ -> new DefaultContext()).get(language);
  }

  Optional<CodeContext> find(String id) {
    return Optional.ofNullable(contexts.get(id));
  }

  List<CodeContext> all() {
    return List.copyOf(contexts.values());
  }

  /// Deletes a context.
  ///
  /// @return false when there is none
  boolean delete(String id) {
    CodeContext context = contexts.remove(id);
    if (context == null) {
      return false;
    }
    context.close();
    return true;
  }

  /// Interrupts what the context runs.
  ///
  /// @return false when there is no such context
  @Override
  public boolean interrupt(String id) throws IOException {
    CodeContext context = contexts.get(id);
    if (context == null) {
      return false;
    }
    context.interrupt();
    return true;
  }

  /// Whether there is no context, so that the daemon may hibernate.
  public boolean isEmpty() {
    return contexts.isEmpty();
  }

  @Override
  public void close() {
    contexts.keySet().forEach(this::delete);
  }

  /// Starts at most one default context of a language at a time.
  private final class DefaultContext {
    private String id = "";

    synchronized CodeContext get(String language) throws IOException {
      CodeContext context = contexts.get(id);
      if (context == null) {
        context = create(language, null);
        id = context.id();
      }
      return context;
    }
  }
}
