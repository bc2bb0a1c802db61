package io.opensandbox.protocol.lifecycle;

import io.avaje.jsonb.Json;
import java.util.List;

/// One page of snapshots, newest first.
///
/// @param items of this page
/// @param pagination where it stands
@Json
public record SnapshotList(List<Snapshot> items, Pagination pagination) {}
