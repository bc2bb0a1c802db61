package io.opensandbox.server.sandbox;

import io.opensandbox.runtime.SandboxRuntime;
import java.time.InstantSource;

/// What everything that works on sandboxes shares.
record SandboxParts(
    SandboxRuntime runtime,
    SandboxStore store,
    SandboxLabels labels,
    SandboxLocks locks,
    Provisioner provisioner,
    InstantSource clock) {}
