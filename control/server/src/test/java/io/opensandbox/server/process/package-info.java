/// The server as a process of its own, on a real engine: killed, doubled, and with an engine that
/// fails.
package io.opensandbox.server.process;
