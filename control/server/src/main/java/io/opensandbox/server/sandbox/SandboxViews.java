package io.opensandbox.server.sandbox;

import io.avaje.jsonb.Jsonb;
import io.opensandbox.protocol.lifecycle.CreatedSandbox;
import io.opensandbox.protocol.lifecycle.Sandbox;
import io.opensandbox.protocol.lifecycle.SandboxImage;
import io.opensandbox.protocol.lifecycle.SandboxPlatform;
import io.opensandbox.protocol.lifecycle.SandboxStatus;
import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.server.http.Timestamps;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Rows as clients see them. What has no value is null here and left out on the wire.
final class SandboxViews {
  private SandboxViews() {}

  static Sandbox sandbox(SandboxRow row) {
    SandboxRow.Definition definition = row.definition();
    return new Sandbox(
        row.id(),
        definition.snapshotId().isPresent() ? null : new SandboxImage(definition.image()),
        definition.snapshotId().orElse(null),
        platform(definition.platform()),
        status(row.status()),
        metadata(row.metadata()),
        definition.entrypoint(),
        row.expiresAt().map(Timestamps::format).orElse(null),
        Timestamps.format(row.createdAt()));
  }

  /// The answer to a create.
  static String json(SandboxService.Created created) {
    return Jsonb.instance().toJson(created(created.row(), created.entrypoint()));
  }

  private static CreatedSandbox created(SandboxRow row, List<String> entrypoint) {
    return new CreatedSandbox(
        row.id(),
        status(row.status()),
        metadata(row.metadata()),
        platform(row.definition().platform()),
        row.expiresAt().map(Timestamps::format).orElse(null),
        Timestamps.format(row.createdAt()),
        entrypoint);
  }

  private static SandboxStatus status(Status status) {
    return new SandboxStatus(
        status.state().wire(),
        status.reason(),
        status.message(),
        Timestamps.format(status.since()));
  }

  private static @Nullable Map<String, String> metadata(Map<String, String> metadata) {
    return metadata.isEmpty() ? null : metadata;
  }

  private static @Nullable SandboxPlatform platform(Optional<ImageRequest.Platform> platform) {
    return platform.map(p -> new SandboxPlatform(p.os(), p.arch())).orElse(null);
  }
}
