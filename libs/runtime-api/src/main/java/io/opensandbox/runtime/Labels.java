package io.opensandbox.runtime;

/// Names of the markers on a runtime's objects; the contract's section "persisted markers".
public final class Labels {
  /// Reserved prefix; user metadata may not use it.
  public static final String PREFIX = "opensandbox.io/";

  /// Sandbox id; its presence makes a container a sandbox.
  public static final String ID = PREFIX + "id";

  /// ISO 8601 UTC with `+00:00`.
  public static final String EXPIRES_AT = PREFIX + "expires-at";

  /// `true` when there is no expiry.
  public static final String MANUAL_CLEANUP = PREFIX + "manual-cleanup";

  /// Explicit platform, OS part.
  public static final String PLATFORM_OS = PREFIX + "platform-os";

  /// Explicit platform, architecture part.
  public static final String PLATFORM_ARCH = PREFIX + "platform-arch";

  /// Snapshot restored from.
  public static final String SNAPSHOT_ID = PREFIX + "snapshot-id";

  /// Host port of 44772.
  public static final String EXECD_PORT = PREFIX + "embedding-proxy-port";

  /// Host port of 8080.
  public static final String HTTP_PORT = PREFIX + "http-port";

  /// JSON array of volume names to remove with the sandbox; on a volume the literal `server`.
  public static final String VOLUMES = PREFIX + "volume-managed-by";

  /// JSON array of ossfs mount paths.
  public static final String OSSFS_MOUNTS = PREFIX + "ossfs-mounts";

  /// Token of the egress sidecar.
  public static final String EGRESS_TOKEN = PREFIX + "egress-auth-token";

  /// On a sidecar: the sandbox it belongs to.
  public static final String EGRESS_SIDECAR_FOR = PREFIX + "egress-sidecar-for";

  /// Seconds by which access extends the life.
  public static final String ACCESS_RENEW_SECONDS = PREFIX + "access-renew-extend-seconds";

  private Labels() {}
}
