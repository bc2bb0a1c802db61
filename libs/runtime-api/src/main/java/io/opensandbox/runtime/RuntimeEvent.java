package io.opensandbox.runtime;

/// A hint that something may have changed; the truth is in [SandboxRuntime#find].
public sealed interface RuntimeEvent {
  /// The sandbox started, ended, paused, resumed or vanished.
  record Changed(String sandboxId) implements RuntimeEvent {}

  /// Events may have been missed; look at everything.
  record Resync() implements RuntimeEvent {}
}
