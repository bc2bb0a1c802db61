package io.opensandbox.execd.http;

import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/// A connection that a handler has taken over.
///
/// @param channel in blocking mode; closed by the server when the handler returns
/// @param received bytes that the client sent after the request's head and that were read already
public record RawConnection(SocketChannel channel, ByteBuffer received) {}
