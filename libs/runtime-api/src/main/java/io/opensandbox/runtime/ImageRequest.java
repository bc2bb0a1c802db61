package io.opensandbox.runtime;

import java.util.Optional;

/// The image that a sandbox is asked to run.
///
/// @param reference as the client wrote it; no tag means `latest`
/// @param auth registry login for this pull only
/// @param platform an explicit platform, else the host's
public record ImageRequest(String reference, Optional<Auth> auth, Optional<Platform> platform) {
  /// An image without login or platform.
  public static ImageRequest of(String reference) {
    return new ImageRequest(reference, Optional.empty(), Optional.empty());
  }

  /// A registry login. Its text form hides the password.
  public record Auth(String username, String password) {
    @Override
    public String toString() {
      return "Auth[username=" + username + ", password=***]";
    }
  }

  /// Normalised platform, for example `linux`/`amd64`.
  public record Platform(String os, String arch) {}
}
