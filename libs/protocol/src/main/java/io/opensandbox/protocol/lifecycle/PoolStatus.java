package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;

/// What a pool has at the moment.
///
/// @param total sandboxes of the pool: being made, waiting and claimed
/// @param allocated claimed ones that are still there
/// @param available ones that wait to be claimed
/// @param revision changes with the template
@Json
public record PoolStatus(int total, int allocated, int available, String revision) {}
