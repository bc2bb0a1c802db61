package io.opensandbox.server.tracing;

import io.opensandbox.runtime.SandboxRuntime;
import java.util.concurrent.ExecutorService;
import java.util.function.UnaryOperator;

final class NoTracing implements Tracing {
  @Override
  public Span request(String method, UnaryOperator<String> header) {
    return Span.NONE;
  }

  @Override
  public Span part(String name) {
    return Span.NONE;
  }

  @Override
  public Span remotePart(String name) {
    return Span.NONE;
  }

  @Override
  public SandboxRuntime watched(SandboxRuntime runtime) {
    return runtime;
  }

  @Override
  public ExecutorService carrying(ExecutorService threads) {
    return threads;
  }

  @Override
  public void close() {}
}
