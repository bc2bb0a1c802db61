package io.opensandbox.server.tracing;

import java.util.Map;

/// Something that takes time within a trace. Its methods may be called on any thread.
public interface Span extends AutoCloseable {
  /// A span that nobody hears of.
  Span NONE = new NoSpan();

  /// Ends what [#enter] began.
  interface Scope extends AutoCloseable {
    @Override
    void close();
  }

  /// The trace's 32 hexadecimal digits; empty when nobody hears of it.
  String traceId();

  /// What another program needs to know to join the trace: `traceparent`, perhaps `tracestate`.
  Map<String, String> headers();

  /// Renames it.
  void name(String name);

  /// Says something about it.
  void set(String key, String value);

  /// Says something about it.
  void set(String key, long value);

  /// Says that it failed.
  ///
  /// @param kind of error: a code or the name of a class
  void failed(String kind);

  /// Makes what this thread does until the scope is closed a part of it.
  Scope enter();

  /// Ends it.
  @Override
  void close();
}
