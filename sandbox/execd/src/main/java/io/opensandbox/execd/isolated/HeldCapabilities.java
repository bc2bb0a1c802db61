package io.opensandbox.execd.isolated;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// The capabilities (capabilities(7)) that root keeps inside: to own and read all files that are
/// mounted writable, to change identity and to signal its processes. None of them can undo a mount.
final class HeldCapabilities {
  private static final Map<String, Integer> KEPT =
      Map.of(
          "CAP_CHOWN", 0,
          "CAP_DAC_OVERRIDE", 1,
          "CAP_FOWNER", 3,
          "CAP_FSETID", 4,
          "CAP_KILL", 5,
          "CAP_SETGID", 6,
          "CAP_SETUID", 7,
          "CAP_NET_BIND_SERVICE", 10);

  private HeldCapabilities() {}

  /// Those of them that this process has.
  static List<String> ofThisProcess() throws IOException {
    long effective = 0;
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("CapEff:")) {
        effective = Long.parseUnsignedLong(line.substring(7).strip(), 16);
      }
    }
    List<String> held = new ArrayList<>();
    for (Map.Entry<String, Integer> capability : KEPT.entrySet()) {
      if (((effective >>> capability.getValue()) & 1) != 0) {
        held.add(capability.getKey());
      }
    }
    held.sort(null);
    return held;
  }
}
