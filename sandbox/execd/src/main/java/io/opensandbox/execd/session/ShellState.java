package io.opensandbox.execd.session;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/// What a shell has written down of itself: its folder, and a script that brings back the rest.
///
/// @param cwd the logical working folder
/// @param script for the same kind of shell; not copied
@SuppressWarnings("ArrayRecordComponent") // never compared
public record ShellState(String cwd, byte[] script) {
  /// The last line of every script, so that a torn one is noticed.
  static final String END = "# complete\n";

  private static final byte[] END_BYTES = END.getBytes(StandardCharsets.US_ASCII);

  /// Reads what came from the state descriptor: the folder, a NUL, the script. Empty when the shell
  /// did not get to the end.
  static Optional<ShellState> parse(byte[] bytes) {
    int nul = 0;
    while (nul < bytes.length && bytes[nul] != 0) {
      nul++;
    }
    int script = nul + 1;
    int end = bytes.length - END_BYTES.length;
    if (nul == 0 || end < script) {
      return Optional.empty();
    }
    if (!Arrays.equals(bytes, end, bytes.length, END_BYTES, 0, END_BYTES.length)) {
      return Optional.empty();
    }
    String cwd = new String(bytes, 0, nul, StandardCharsets.UTF_8);
    return Optional.of(new ShellState(cwd, Arrays.copyOfRange(bytes, script, bytes.length)));
  }

  /// The bytes of the script.
  public int size() {
    return script.length;
  }
}
