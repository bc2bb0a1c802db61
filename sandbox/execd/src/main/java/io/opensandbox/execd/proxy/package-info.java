/// The port proxy: `/proxy/{port}/…` leads to whatever listens on that port inside the sandbox.
///
/// Path and query go through as they came, bodies stream in both directions, WebSocket and other
/// upgrades become a tunnel. execd's token stays here. A request for execd's own port is not sent
/// over TCP but dispatched again, so that everything works through the proxy as it does directly.
@NullMarked
package io.opensandbox.execd.proxy;

import org.jspecify.annotations.NullMarked;
