package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;

/// How many sandboxes a pool keeps; all zero or more.
///
/// @param bufferMax most that wait to be claimed
/// @param bufferMin fewest that wait to be claimed
/// @param poolMax most altogether, claimed ones included
/// @param poolMin fewest altogether, claimed ones included
@Json
public record PoolCapacity(int bufferMax, int bufferMin, int poolMax, int poolMin) {}
