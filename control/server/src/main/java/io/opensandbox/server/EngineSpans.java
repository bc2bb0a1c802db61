package io.opensandbox.server;

import io.opensandbox.runtime.docker.engine.EngineWatch;
import io.opensandbox.server.tracing.Span;
import io.opensandbox.server.tracing.Tracing;
import java.util.List;
import java.util.Set;

/// Makes each call of the Docker engine a part of what it is for.
final class EngineSpans implements EngineWatch {
  private static final Set<String> COLLECTIONS =
      Set.of("containers", "images", "volumes", "networks");
  private static final Set<String> CALLS = Set.of("json", "create");
  private static final int BAD = 400;

  private final Tracing tracing;

  EngineSpans(Tracing tracing) {
    this.tracing = tracing;
  }

  @Override
  public Call begin(String method, String path) {
    Span span = tracing.remotePart(method + " " + template(path));
    span.set("http.request.method", method);
    span.set("url.path", path);
    return new EngineSpan(span);
  }

  /// A path with names replaced, so that calls of one kind have one name.
  static String template(String path) {
    List<String> words =
        List.of(path.replaceFirst("^/v[0-9.]+/", "").replaceFirst("^/", "").split("/"));
    boolean named =
        words.size() > 1
            && COLLECTIONS.contains(words.getFirst())
            && !(words.size() == 2 && CALLS.contains(words.getLast()));
    if (!named) {
      return "/" + String.join("/", words);
    }
    // The name of an image may have slashes itself; what is asked of a named thing is one word.
    return words.size() == 2
        ? "/" + words.getFirst() + "/{name}"
        : "/" + words.getFirst() + "/{name}/" + words.getLast();
  }

  private record EngineSpan(Span span) implements Call {
    @Override
    public void answered(int status) {
      span.set("http.response.status_code", status);
      if (status >= BAD) {
        span.failed(String.valueOf(status));
      }
    }

    @Override
    public void failed(Throwable why) {
      span.failed(why.getClass().getName());
    }

    @Override
    public void close() {
      span.close();
    }
  }
}
