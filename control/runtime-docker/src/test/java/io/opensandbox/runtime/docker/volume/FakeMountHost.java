package io.opensandbox.runtime.docker.volume;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// A machine with every program, on which mounting is remembered and nothing else.
final class FakeMountHost implements MountHost {
  final Set<String> programs = new HashSet<>(Set.of("ossfs", "ossfs2", "fusermount", "umount"));
  final List<String> commands = new ArrayList<>();
  final Set<Path> mounts = new LinkedHashSet<>();

  /// What was in the file with the credentials, and its mode before.
  String credentials = "";

  /// What the next programs say and fail with; empty when they do well.
  String failure = "";

  boolean fuse = true;

  @Override
  public boolean hasFuse() {
    return fuse;
  }

  @Override
  public Optional<Path> find(String program) {
    return programs.contains(program) ? Optional.of(Path.of("/bin", program)) : Optional.empty();
  }

  @Override
  public List<Path> mountsBelow(Path root) {
    return mounts.stream().filter(one -> one.startsWith(root) && !one.equals(root)).toList();
  }

  @Override
  public void run(List<String> argv, Duration limit) throws IOException {
    commands.add(String.join(" ", argv));
    if (argv.getFirst().contains("ossfs")) {
      credentials = credentials(argv.getLast(), argv);
    }
    if (!failure.isEmpty()) {
      throw new IOException(failure);
    }
    switch (argv.getFirst()) {
      case "/bin/ossfs", "/bin/ossfs2" -> mounts.add(Path.of(argv.get(2)));
      default -> mounts.remove(Path.of(argv.getLast()));
    }
  }

  private static String credentials(String last, List<String> argv) {
    String file =
        argv.stream()
            .filter(word -> word.startsWith("passwd_file="))
            .map(word -> word.substring("passwd_file=".length()))
            .findFirst()
            .orElse(last);
    try {
      Path path = Path.of(file);
      return PosixFilePermissions.toString(Files.getPosixFilePermissions(path))
          + "\n"
          + Files.readString(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
