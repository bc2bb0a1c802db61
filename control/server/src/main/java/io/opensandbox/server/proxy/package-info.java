/// The server proxy: `/sandboxes/{id}/proxy/{port}/...` for HTTP and WebSocket.
///
/// A request's path and query go to the sandbox as the bytes they came in; only headers change
/// ([HeaderRules]). Bodies stream both ways through one buffer at a time, so that the slower side
/// sets the pace. An HTTP exchange is blocking code on a virtual thread ([HttpForward]); it uses a
/// connection of [UpstreamPool], and ends when either side goes away ([ClientWatch]). A WebSocket
/// is a tunnel: once the sandbox has agreed to the handshake the bytes pass unread ([Tunnel]).
///
/// It keeps no cookies, follows no redirects, decodes no content, and ignores `HTTP_PROXY`. It does
/// not authenticate: whoever knows a sandbox's id reaches its ports, as the contract wants it.
@NullMarked
package io.opensandbox.server.proxy;

import org.jspecify.annotations.NullMarked;
