package io.opensandbox.server.sandbox;

import io.opensandbox.runtime.ImageRequest;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// A sandbox as the store has it.
///
/// @param tenant that it belongs to; empty text for none
/// @param intent what the server wants of it
/// @param status what it is doing, as far as is known
/// @param createdAt when the request was accepted
/// @param expiresAt when it is removed; empty for manual clean-up
/// @param definition what was asked for, without secrets
/// @param metadata of the user
/// @param version counts changes of metadata
/// @param acknowledged whether the client may have had its answer
public record SandboxRow(
    String id,
    String tenant,
    Intent intent,
    Status status,
    Instant createdAt,
    Optional<Instant> expiresAt,
    Definition definition,
    Map<String, String> metadata,
    long version,
    boolean acknowledged) {
  /// Copies the metadata, keeping its order.
  public SandboxRow {
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  /// What was asked for.
  ///
  /// @param image as requested, or what a snapshot was resolved to
  /// @param snapshotId restored from
  /// @param entrypoint after splitting
  /// @param accessRenewSeconds by which access extends its life
  public record Definition(
      String image,
      Optional<String> snapshotId,
      Optional<ImageRequest.Platform> platform,
      List<String> entrypoint,
      OptionalInt accessRenewSeconds) {
    /// Copies the entrypoint.
    public Definition {
      entrypoint = List.copyOf(entrypoint);
    }
  }

  /// Whether clients see it.
  boolean isVisible() {
    return switch (intent) {
      case CREATE, KEEP, KEEP_FAILED, REMOVE -> true;
      case FILL, WARM, FORGET -> false;
    };
  }

  SandboxRow withStatus(Status newStatus) {
    return new SandboxRow(
        id,
        tenant,
        intent,
        newStatus,
        createdAt,
        expiresAt,
        definition,
        metadata,
        version,
        acknowledged);
  }
}
