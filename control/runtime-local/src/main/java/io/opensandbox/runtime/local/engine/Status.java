package io.opensandbox.runtime.local.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What bubblewrap noted of a sandbox (`--json-status-fd`): the host's number of its first process,
/// and later its exit status.
///
/// @param pid empty when it never came to life
/// @param exitCode as a shell counts: 128 plus the signal for one that was killed
/// @param writtenAt when the last note was made
record Status(OptionalLong pid, OptionalInt exitCode, Instant writtenAt) {
  private static final Pattern PID = Pattern.compile("\"child-pid\": *(\\d+)");
  private static final Pattern EXIT = Pattern.compile("\"exit-code\": *(\\d+)");

  /// Reads the notes; none when the file is not there.
  static Status read(Path file) {
    try {
      return parse(Files.readString(file), Files.getLastModifiedTime(file).toInstant());
    } catch (NoSuchFileException e) {
      return new Status(OptionalLong.empty(), OptionalInt.empty(), Instant.EPOCH);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  static Status parse(String text, Instant writtenAt) {
    Matcher pid = PID.matcher(text);
    Matcher exit = EXIT.matcher(text);
    return new Status(
        pid.find() ? OptionalLong.of(Long.parseLong(pid.group(1))) : OptionalLong.empty(),
        exit.find() ? OptionalInt.of(Integer.parseInt(exit.group(1))) : OptionalInt.empty(),
        writtenAt);
  }
}
