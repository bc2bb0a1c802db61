/// Tells where the time of a request goes: a span for the request, parts of it for what the runtime
/// and the sandbox behind the proxy do. Spans join the trace that a client's `traceparent` names
/// and are sent on with it (W3C Trace Context).
///
/// Only [OpenTelemetryTracing] knows the OpenTelemetry SDK, and is loaded only when its standard
/// variables ask for it. Work that no request waits for, such as the reconciler's, is not traced.
@NullMarked
package io.opensandbox.server.tracing;

import org.jspecify.annotations.NullMarked;
