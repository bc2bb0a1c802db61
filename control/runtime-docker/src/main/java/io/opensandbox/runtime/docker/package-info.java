/// Sandboxes as containers of a Docker engine (API 1.41 or later).
///
/// A create goes through [SandboxCreation] (volumes, ports, body of the call, execd), a start
/// through [SandboxStart] (ports taken meanwhile, waiting for execd, CPU limit); looking things up
/// is [SandboxIndex], which [EventStream] keeps honest. What the engine says is read as JSON trees
/// and becomes our own types in [ContainerView] and [SeenSandbox].
///
/// Not here: rules of the lifecycle and its store, which belong to the server; egress sidecars and
/// the Windows profile, which are refused. `docs/docker.md` says what is on the engine and why.
@NullMarked
package io.opensandbox.runtime.docker;

import org.jspecify.annotations.NullMarked;
