package io.opensandbox.runtime.local.log;

import io.opensandbox.runtime.local.cgroup.Settling;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// The log of one sandbox: a directory with `current` and older files.
public final class SandboxLog {
  private static final int OLD_FILES = 3;
  private static final int TIME_LENGTH = "2026-01-01T00:00:00.00000".length();

  private final Path directory;

  /// The log in `directory`, which need not exist yet.
  public SandboxLog(Path directory) {
    this.directory = directory;
  }

  /// Makes the directory with the limits for its writer.
  public void prepare(long limitBytes) {
    try {
      Files.createDirectories(directory);
      long each = Math.max(4096, limitBytes / (OLD_FILES + 1));
      Files.writeString(directory.resolve("config"), "s" + each + "\nn" + OLD_FILES + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make " + directory, e);
    }
  }

  /// Waits, for half a minute at most, until the writer of an ended sandbox has written everything;
  /// it may not even have begun when the sandbox was short and the machine is busy.
  public void awaitComplete() {
    // svlogd marks a file that it will not touch again as executable.
    Settling.until(() -> Files.isExecutable(directory.resolve("current")));
  }

  /// The last lines.
  ///
  /// @param tail how many lines at most
  /// @param from only lines that are not older
  /// @param timestamps put the RFC 3339 time in front
  public String read(int tail, Optional<Instant> from, boolean timestamps) {
    Deque<String> kept = new ArrayDeque<>();
    List<Path> files = files();
    Collections.reverse(files);
    for (Path file : files) {
      List<String> lines = lines(file);
      for (int i = lines.size() - 1; i >= 0 && kept.size() < tail; i--) {
        Optional<String> line = render(lines.get(i), from, timestamps);
        line.ifPresent(kept::addFirst);
      }
    }
    StringBuilder text = new StringBuilder();
    kept.forEach(line -> text.append(line).append('\n'));
    return text.toString();
  }

  private static Optional<String> render(String line, Optional<Instant> from, boolean timestamps) {
    if (line.length() <= TIME_LENGTH) {
      return Optional.empty();
    }
    String time = line.substring(0, TIME_LENGTH) + "Z";
    if (from.isPresent() && Instant.parse(time).isBefore(from.get())) {
      return Optional.empty();
    }
    String text = line.substring(TIME_LENGTH + 1);
    return Optional.of(timestamps ? time + " " + text : text);
  }

  /// Oldest first.
  private List<Path> files() {
    try (Stream<Path> entries = Files.list(directory)) {
      List<Path> files = new ArrayList<>();
      entries
          .filter(path -> path.getFileName().toString().startsWith("@"))
          .sorted()
          .forEach(files::add);
      files.add(directory.resolve("current"));
      return files;
    } catch (NoSuchFileException e) {
      return new ArrayList<>();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + directory, e);
    }
  }

  private static List<String> lines(Path file) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
          .toString()
          .lines()
          .toList();
    } catch (NoSuchFileException e) {
      // Rotated away meanwhile, or nothing was written yet.
      return List.of();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }
}
