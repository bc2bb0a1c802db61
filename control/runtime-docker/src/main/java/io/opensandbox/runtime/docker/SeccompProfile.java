package io.opensandbox.runtime.docker;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// The engine's `seccomp=` option: it wants a profile's JSON, people configure a file.
///
/// @param option as the engine takes it; empty for its default profile
record SeccompProfile(Optional<String> option) {
  /// Reads `docker.seccomp_profile`: blank, `unconfined`, JSON, or the path of a JSON file.
  ///
  /// Throws [IllegalArgumentException] naming the key.
  static SeccompProfile read(String setting) {
    String text = setting.strip();
    if (text.isEmpty()) {
      return new SeccompProfile(Optional.empty());
    }
    if (text.equals("unconfined")) {
      return new SeccompProfile(Optional.of("seccomp=unconfined"));
    }
    if (text.startsWith("{")) {
      return new SeccompProfile(Optional.of("seccomp=" + compact(text, "docker.seccomp_profile")));
    }
    try {
      return new SeccompProfile(
          Optional.of("seccomp=" + compact(Files.readString(Path.of(text)), text)));
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "docker.seccomp_profile: cannot read \"" + text + "\": " + e.getMessage(), e);
    }
  }

  private static String compact(String profile, String source) {
    try {
      return new ObjectMapper().readTree(profile).toString();
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "docker.seccomp_profile: \"" + source + "\" is not JSON: " + e.getOriginalMessage(), e);
    }
  }
}
