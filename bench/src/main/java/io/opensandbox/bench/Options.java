package io.opensandbox.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The command line.
///
/// @param target the server's URL
/// @param key its API key, empty when it needs none
/// @param image what sandboxes are made of
/// @param json where the JSON lines go; empty is stdout
/// @param execd an execd executable to measure on this machine
/// @param server the program of a lifecycle server to measure on this machine
/// @param only names of benchmarks; empty is all but those on demand
/// @param quick a check of the benchmark itself
record Options(
    String target,
    String key,
    String image,
    Optional<Path> json,
    Optional<Path> execd,
    Optional<Path> server,
    Set<String> only,
    boolean quick) {

  /// Reads the arguments.
  ///
  /// @param names of the benchmarks that there are
  static Options parse(List<String> arguments, List<String> names) {
    String target = "";
    String key = "";
    String image = "opensandbox/demo:local";
    Optional<Path> json = Optional.empty();
    Optional<Path> execd = Optional.empty();
    Optional<Path> server = Optional.empty();
    Set<String> only = Set.of();
    boolean quick = false;
    var iterator = arguments.iterator();
    while (iterator.hasNext()) {
      var name = iterator.next();
      if (name.equals("--quick")) {
        quick = true;
        continue;
      }
      if (!iterator.hasNext()) {
        throw new IllegalArgumentException("unknown argument or no value: \"" + name + "\"");
      }
      var value = iterator.next();
      switch (name) {
        case "--target" -> target = value;
        case "--key" -> key = value;
        case "--key-file" -> key = read(Path.of(value));
        case "--image" -> image = value;
        case "--json" -> json = Optional.of(Path.of(value));
        case "--execd" -> execd = Optional.of(Path.of(value));
        case "--server" -> server = Optional.of(Path.of(value));
        case "--only" -> only = Set.of(value.split(",", -1));
        default -> throw new IllegalArgumentException("unknown argument \"" + name + "\"");
      }
    }
    if (target.isEmpty()) {
      throw new IllegalArgumentException("--target URL is missing");
    }
    for (var name : only) {
      if (!names.contains(name)) {
        throw new IllegalArgumentException("no benchmark \"" + name + "\"; there are " + names);
      }
    }
    return new Options(target, key, image, json, execd, server, only, quick);
  }

  boolean wants(Benchmark benchmark) {
    return only.isEmpty() ? !benchmark.isOnDemand() : only.contains(benchmark.name());
  }

  private static String read(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the key file \"" + file + "\"", e);
    }
  }

  @Override
  public String toString() {
    return "Options[target=" + target + ", image=" + image + ", only=" + only + "]"; // no key
  }
}
