package io.opensandbox.server.process;

import io.opensandbox.runtime.HostProgram;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// The Docker command line on one engine.
record EngineCommand(String address) {
  /// The engine that this machine's tests share.
  static EngineCommand shared() {
    return new EngineCommand(
        System.getenv().getOrDefault("DOCKER_HOST", "unix:///var/run/docker.sock"));
  }

  /// Why the tests cannot run here, or empty.
  Optional<String> obstacle() {
    try {
      run("image", "inspect", "--format", "{{.Id}}", "opensandbox/execd:local");
      run("image", "inspect", "--format", "{{.Id}}", "opensandbox/busybox:local");
      return Optional.empty();
    } catch (IllegalStateException | UncheckedIOException e) {
      return Optional.of("needs Docker and the images of images/build: " + e.getMessage());
    }
  }

  /// Runs it and returns the lines it prints.
  List<String> run(String... arguments) {
    List<String> command = new ArrayList<>(List.of("docker", "--host", address));
    command.addAll(List.of(arguments));
    return HostProgram.run(command).lines().toList();
  }

  /// Ids of the sandboxes that have a container with `label`.
  Set<String> sandboxes(String label) {
    return new TreeSet<>(
        run(
            "ps",
            "--all",
            "--filter",
            "label=" + label,
            "--format",
            "{{.Label \"opensandbox.io/id\"}}"));
  }

  /// Names of the volumes that begin with `prefix`.
  List<String> volumes(String prefix) {
    return run("volume", "ls", "--quiet", "--filter", "name=" + prefix);
  }

  /// Ids of the snapshots that have an image.
  Set<String> snapshots() {
    return new TreeSet<>(run("images", "--format", "{{.Tag}}", "opensandbox-snapshots"));
  }
}
