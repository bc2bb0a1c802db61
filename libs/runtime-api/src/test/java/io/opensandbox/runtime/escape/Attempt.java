package io.opensandbox.runtime.escape;

/// One attempt to get out of a sandbox or to harm the host, as root in the sandbox.
///
/// @param name what is tried
/// @param script for bash
/// @param outcome matches all that it writes, when it fails as it must
public record Attempt(String name, String script, String outcome) {
  @Override
  public String toString() {
    return name;
  }
}
