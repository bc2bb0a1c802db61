package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;
import java.util.List;

/// One page of sandboxes, newest first.
///
/// @param items of this page
/// @param pagination where it stands
@Json
public record SandboxList(List<Sandbox> items, Pagination pagination) {}
