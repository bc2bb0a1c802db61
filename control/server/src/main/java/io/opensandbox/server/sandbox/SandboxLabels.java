package io.opensandbox.server.sandbox;

import io.opensandbox.runtime.ImageRequest;
import io.opensandbox.runtime.Labels;
import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.server.http.Timestamps;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// The markers that a sandbox carries in the runtime, and how a row is rebuilt from them.
final class SandboxLabels {
  /// Which store the sandbox belongs to, so that servers beside each other on one engine keep to
  /// their own.
  static final String OWNER = Labels.PREFIX + "owner";

  /// Tenant that the sandbox belongs to.
  static final String TENANT = Labels.PREFIX + "tenant";

  private final String owner;

  /// @param location of the store
  SandboxLabels(String location) {
    this.owner = fingerprint(location);
  }

  /// Pool that the sandbox was made for, for people who look at the runtime.
  static final String POOL = Labels.PREFIX + "pool";

  /// The labels of a sandbox that is about to be made.
  ///
  /// @param pool that it becomes a member of
  Map<String, String> of(SandboxRow row, Optional<String> pool) {
    Map<String, String> labels = new LinkedHashMap<>(row.metadata());
    labels.put(Labels.ID, row.id());
    labels.put(OWNER, owner);
    pool.ifPresent(name -> labels.put(POOL, name));
    if (!row.tenant().isEmpty()) {
      labels.put(TENANT, row.tenant());
    }
    row.expiresAt()
        .ifPresentOrElse(
            at -> labels.put(Labels.EXPIRES_AT, Timestamps.formatWithOffset(at)),
            () -> labels.put(Labels.MANUAL_CLEANUP, "true"));
    SandboxRow.Definition definition = row.definition();
    definition.snapshotId().ifPresent(snapshot -> labels.put(Labels.SNAPSHOT_ID, snapshot));
    definition
        .platform()
        .ifPresent(platform -> {
          labels.put(Labels.PLATFORM_OS, platform.os());
          labels.put(Labels.PLATFORM_ARCH, platform.arch());
        });
    definition
        .accessRenewSeconds()
        .ifPresent(seconds -> labels.put(Labels.ACCESS_RENEW_SECONDS, Integer.toString(seconds)));
    return labels;
  }

  /// Whether a sandbox without a row is ours: it carries our mark, or none at all because another
  /// implementation made it.
  boolean areOurs(Map<String, String> labels) {
    return labels.getOrDefault(OWNER, owner).equals(owner);
  }

  /// The row of a sandbox that only the runtime knows.
  SandboxRow rebuild(RuntimeSandbox seen) {
    Map<String, String> labels = seen.labels();
    Status status =
        Observed.status(
            seen, Status.scheduled(seen.createdAt()), seen.finishedAt().orElse(seen.createdAt()));
    var definition =
        new SandboxRow.Definition(
            seen.imageReference(),
            nonBlank(labels, Labels.SNAPSHOT_ID),
            platform(labels),
            seen.entrypoint(),
            renewSeconds(labels));
    return new SandboxRow(
        seen.id(),
        labels.getOrDefault(TENANT, ""),
        Intent.KEEP,
        status,
        seen.createdAt(),
        expiresAt(labels),
        definition,
        metadata(labels),
        1,
        true);
  }

  private static Optional<Instant> expiresAt(Map<String, String> labels) {
    if (labels.getOrDefault(Labels.MANUAL_CLEANUP, "").equalsIgnoreCase("true")) {
      return Optional.empty();
    }
    return nonBlank(labels, Labels.EXPIRES_AT)
        .filter(text -> text.matches("\\d{4}-\\d{2}-\\d{2}T.*"))
        .map(text -> Timestamps.parse(Labels.EXPIRES_AT, text));
  }

  private static Optional<ImageRequest.Platform> platform(Map<String, String> labels) {
    return nonBlank(labels, Labels.PLATFORM_OS)
        .flatMap(os ->
            nonBlank(labels, Labels.PLATFORM_ARCH)
                .map(arch -> new ImageRequest.Platform(os, arch)));
  }

  private static OptionalInt renewSeconds(Map<String, String> labels) {
    return nonBlank(labels, Labels.ACCESS_RENEW_SECONDS)
        .filter(text -> text.matches("\\d{1,6}"))
        .map(text -> OptionalInt.of(Integer.parseInt(text)))
        .orElse(OptionalInt.empty());
  }

  private static Map<String, String> metadata(Map<String, String> labels) {
    Map<String, String> metadata = new LinkedHashMap<>();
    labels.forEach((key, value) -> {
      if (!key.startsWith(Labels.PREFIX)
          && !key.startsWith("org.opencontainers.image.")
          && !key.startsWith("com.docker.")
          && !key.startsWith("desktop.docker.")) {
        metadata.put(key, value);
      }
    });
    return metadata;
  }

  private static Optional<String> nonBlank(Map<String, String> labels, String key) {
    return Optional.ofNullable(labels.get(key)).filter(value -> !value.isBlank());
  }

  private static String fingerprint(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
