package io.opensandbox.runtime.docker.engine;

import java.io.Closeable;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// One answer; closing it gives the connection back or ends it.
interface EngineResponse extends Closeable {
  int status();

  Map<String, List<String>> headers();

  InputStream body();

  /// First value of a header, whatever the case of its name.
  default Optional<String> header(String name) {
    List<String> values = headers().get(name);
    return values == null ? Optional.empty() : Optional.of(values.getFirst());
  }

  @Override
  void close();
}
