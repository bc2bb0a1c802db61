package io.opensandbox.runtime;

/// An image that is on the host.
///
/// @param reference as asked for
/// @param id the engine's content id
public record PreparedImage(String reference, String id) {}
