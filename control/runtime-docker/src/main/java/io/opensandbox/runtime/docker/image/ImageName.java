package io.opensandbox.runtime.docker.image;

import java.util.Optional;
import java.util.regex.Pattern;

/// An image reference cut into what the engine's pull call wants.
///
/// @param repository everything before tag or digest, with the registry
/// @param tag tag or digest; `latest` when the reference has neither
/// @param digest whether `tag` is a digest
public record ImageName(String repository, String tag, boolean digest) {
  private static final Pattern ALLOWED = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._/:@-]{0,1023}");

  /// Parses a reference; empty when no image can have it.
  public static Optional<ImageName> parse(String reference) {
    if (!ALLOWED.matcher(reference).matches() || reference.contains("..")) {
      return Optional.empty();
    }
    int at = reference.indexOf('@');
    if (at > 0) {
      return Optional.of(
          new ImageName(reference.substring(0, at), reference.substring(at + 1), true));
    }
    int colon = reference.lastIndexOf(':');
    if (colon > reference.lastIndexOf('/')) {
      return Optional.of(
          new ImageName(reference.substring(0, colon), reference.substring(colon + 1), false));
    }
    return Optional.of(new ImageName(reference, "latest", false));
  }

  /// Host of the registry, in the form that logins are stored under.
  public String registry() {
    int slash = repository.indexOf('/');
    String first = slash < 0 ? "" : repository.substring(0, slash);
    boolean host = first.contains(".") || first.contains(":") || first.equals("localhost");
    return host ? first : "https://index.docker.io/v1/";
  }
}
