package io.opensandbox.runtime.docker.volume;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// This machine.
final class LinuxMountHost implements MountHost {
  private static final Path MOUNTS = Path.of("/proc/self/mountinfo");
  private static final Pattern OCTAL = Pattern.compile("\\\\([0-7]{3})");
  private static final int MOUNT_POINT = 4;
  private static final int SAID_BYTES = 4096;

  private final List<Path> folders;
  private final String path;

  /// @param path folders of programs, with colons between them
  LinuxMountHost(String path) {
    this.path = path;
    this.folders =
        Stream.of(path.split(":")).filter(one -> one.startsWith("/")).map(Path::of).toList();
  }

  @Override
  public boolean hasFuse() {
    return Files.exists(Path.of("/dev/fuse"));
  }

  @Override
  public Optional<Path> find(String program) {
    return folders.stream()
        .map(one -> one.resolve(program))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /// proc_pid_mountinfo(5): blanks, tabs, line feeds and backslashes are octal.
  @Override
  public List<Path> mountsBelow(Path root) throws IOException {
    List<Path> found = new ArrayList<>();
    for (String line : Files.readAllLines(MOUNTS, StandardCharsets.UTF_8)) {
      String name = line.split(" ", MOUNT_POINT + 2)[MOUNT_POINT];
      Path place = Path.of(OCTAL.matcher(name).replaceAll(LinuxMountHost::plain));
      if (place.startsWith(root) && !place.equals(root)) {
        found.add(place);
      }
    }
    return found;
  }

  private static String plain(MatchResult octal) {
    return Matcher.quoteReplacement(String.valueOf((char) Integer.parseInt(octal.group(1), 8)));
  }

  /// What the program says goes to a file: one that goes on in the background keeps a pipe open.
  @Override
  public void run(List<String> argv, Duration limit) throws IOException {
    String program = argv.getFirst();
    Path said =
        Files.createTempFile(
            "opensandbox-",
            ".out",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try {
      var builder = new ProcessBuilder(argv).directory(Path.of("/").toFile());
      builder.redirectInput(Path.of("/dev/null").toFile());
      builder.redirectErrorStream(true).redirectOutput(said.toFile());
      builder.environment().clear();
      builder.environment().putAll(Map.of("PATH", path, "LC_ALL", "C.UTF-8"));
      await(builder.start(), program, limit, said);
    } finally {
      Files.delete(said);
    }
  }

  private static void await(Process process, String program, Duration limit, Path said)
      throws IOException {
    try {
      if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new IOException(program + " did not end within " + limit.toSeconds() + " s");
      }
      if (process.exitValue() != 0) {
        throw new IOException(
            program + " failed with status " + process.exitValue() + ": " + beginning(said));
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while running " + program);
    } finally {
      if (process.isAlive()) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
    }
  }

  private static String beginning(Path said) throws IOException {
    try (var in = Files.newInputStream(said)) {
      return new String(in.readNBytes(SAID_BYTES), StandardCharsets.UTF_8).strip();
    }
  }
}
