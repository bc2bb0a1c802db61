package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;
import java.util.List;

/// Every pool that the caller sees, by name.
@Json
public record PoolList(List<Pool> items) {}
