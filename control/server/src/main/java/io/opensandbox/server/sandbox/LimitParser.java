package io.opensandbox.server.sandbox;

import io.opensandbox.runtime.ResourceLimits;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads `resourceLimits`. A value that means nothing is logged and ignored, as the contract wants.
final class LimitParser {
  private static final Logger LOG = LoggerFactory.getLogger(LimitParser.class);
  private static final Pattern MEMORY =
      Pattern.compile("\\s*(\\d{1,30})([kmgti]i?|[kmgti]?b)?\\s*", Pattern.CASE_INSENSITIVE);
  private static final Pattern CPU = Pattern.compile("(\\d{0,12}(?:\\.\\d{0,18})?)(m?)");
  private static final BigDecimal NANOS = BigDecimal.valueOf(1_000_000_000L);
  private static final BigDecimal MILLI_NANOS = BigDecimal.valueOf(1_000_000L);

  private LimitParser() {}

  static ResourceLimits parse(Map<String, String> limits) {
    return new ResourceLimits(
        nanoCpus(limits.getOrDefault("cpu", "")),
        bytes("memory", limits.getOrDefault("memory", "")),
        pids(limits.getOrDefault("pids", "")),
        gpus(limits.getOrDefault("gpu", "")),
        disk(limits));
  }

  /// The first that is there of the names that the Windows profile knows, too.
  private static OptionalLong disk(Map<String, String> limits) {
    for (String key : List.of("disk", "storage", "ephemeral-storage")) {
      if (limits.containsKey(key)) {
        return bytes(key, limits.get(key));
      }
    }
    return OptionalLong.empty();
  }

  static OptionalLong nanoCpus(String text) {
    String stripped = text.strip().toLowerCase(Locale.ROOT);
    Matcher matcher = CPU.matcher(stripped);
    if (!matcher.matches() || matcher.group(1).isEmpty() || matcher.group(1).equals(".")) {
      return ignored("cpu", text);
    }
    BigDecimal factor = matcher.group(2).isEmpty() ? NANOS : MILLI_NANOS;
    BigDecimal nanos =
        new BigDecimal(matcher.group(1)).multiply(factor).setScale(0, RoundingMode.DOWN);
    return positive("cpu", text, nanos.toBigInteger());
  }

  static OptionalLong memoryBytes(String text) {
    return bytes("memory", text);
  }

  private static OptionalLong bytes(String key, String text) {
    Matcher matcher = MEMORY.matcher(text);
    if (!matcher.matches()) {
      return ignored(key, text);
    }
    String unit = matcher.group(2) == null ? "" : matcher.group(2).toLowerCase(Locale.ROOT);
    OptionalLong factor = factor(unit);
    if (factor.isEmpty()) {
      return ignored(key, text);
    }
    var bytes = new BigInteger(matcher.group(1)).multiply(BigInteger.valueOf(factor.getAsLong()));
    return positive(key, text, bytes);
  }

  private static OptionalLong factor(String unit) {
    return switch (unit) {
      case "", "b" -> OptionalLong.of(1);
      case "k", "kb" -> OptionalLong.of(1_000L);
      case "ki" -> OptionalLong.of(1L << 10);
      case "m", "mb" -> OptionalLong.of(1_000_000L);
      case "mi" -> OptionalLong.of(1L << 20);
      case "g", "gb" -> OptionalLong.of(1_000_000_000L);
      case "gi" -> OptionalLong.of(1L << 30);
      case "t", "tb" -> OptionalLong.of(1_000_000_000_000L);
      case "ti" -> OptionalLong.of(1L << 40);
      default -> OptionalLong.empty();
    };
  }

  private static OptionalLong pids(String text) {
    return text.strip().matches("\\d{1,9}")
        ? positive("pids", text, new BigInteger(text.strip()))
        : ignored("pids", text);
  }

  private static OptionalInt gpus(String text) {
    String stripped = text.strip();
    if (stripped.equalsIgnoreCase("all")) {
      return OptionalInt.of(-1);
    }
    OptionalLong count =
        stripped.matches("\\d{1,9}")
            ? positive("gpu", text, new BigInteger(stripped))
            : ignored("gpu", text);
    return count.isPresent() ? OptionalInt.of((int) count.getAsLong()) : OptionalInt.empty();
  }

  private static OptionalLong positive(String key, String text, BigInteger value) {
    return value.signum() > 0 && value.bitLength() < 63
        ? OptionalLong.of(value.longValueExact())
        : ignored(key, text);
  }

  private static OptionalLong ignored(String key, String text) {
    if (!text.isBlank()) {
      LOG.warn("ignoring resource limit {}=\"{}\": it is not a valid quantity", key, text);
    }
    return OptionalLong.empty();
  }
}
