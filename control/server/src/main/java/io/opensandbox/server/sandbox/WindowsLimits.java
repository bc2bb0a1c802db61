package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.util.Map;
import java.util.OptionalLong;

/// The least that a Windows sandbox needs, checked for the limits that are given.
final class WindowsLimits {
  private static final long MIN_NANO_CPUS = 2_000_000_000L;
  private static final long GIB = 1L << 30;

  private WindowsLimits() {}

  static void check(Map<String, String> limits) {
    OptionalLong cpus = LimitParser.nanoCpus(limits.getOrDefault("cpu", ""));
    if (cpus.isPresent() && cpus.getAsLong() < MIN_NANO_CPUS) {
      throw tooSmall("cpu", "2");
    }
    checkSize(limits, "memory", 4);
    checkSize(limits, "disk", 64);
    checkSize(limits, "storage", 64);
    checkSize(limits, "ephemeral-storage", 64);
  }

  private static void checkSize(Map<String, String> limits, String key, long gibibytes) {
    // G and Gi mean the same to the Windows image, so the smaller one has to suffice.
    OptionalLong bytes =
        LimitParser.memoryBytes(limits.getOrDefault(key, "").replaceAll("(?i)gb?$", "Gi"));
    if (bytes.isPresent() && bytes.getAsLong() < gibibytes * GIB) {
      throw tooSmall(key, gibibytes + "G");
    }
  }

  private static SandboxException tooSmall(String key, String least) {
    return new SandboxException(
        ErrorCode.INVALID_PARAMETER,
        "\"resourceLimits." + key + "\" must be at least " + least + " for platform windows");
  }
}
