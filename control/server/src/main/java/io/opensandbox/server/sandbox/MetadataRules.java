package io.opensandbox.server.sandbox;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.Labels;
import java.util.Map;
import java.util.regex.Pattern;

/// The grammar of user metadata: that of Kubernetes labels.
final class MetadataRules {
  private static final int MAX_NAME = 63;
  private static final int MAX_PREFIX = 253;
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?");
  private static final Pattern PREFIX =
      Pattern.compile("(?:[a-z0-9]([-a-z0-9]*[a-z0-9])?\\.)*[a-z0-9]([-a-z0-9]*[a-z0-9])?");

  private MetadataRules() {}

  /// Checks entries key by key, in order.
  static void check(Map<String, String> metadata) {
    metadata.forEach((key, value) -> {
      if (isReserved(key)) {
        throw invalid("metadata key \"" + key + "\" uses the reserved prefix " + Labels.PREFIX);
      }
      checkKey(key);
      checkValue(key, value);
    });
  }

  static boolean isReserved(String key) {
    return key.startsWith(Labels.PREFIX);
  }

  private static void checkKey(String key) {
    int slash = key.indexOf('/');
    String name = key.substring(slash + 1);
    if (slash >= 0) {
      String prefix = key.substring(0, slash);
      if (prefix.isEmpty() || prefix.length() > MAX_PREFIX || !PREFIX.matcher(prefix).matches()) {
        throw invalid(
            "the prefix of metadata key \""
                + key
                + "\" must be a lower-case DNS name of 1 to 253 characters");
      }
    }
    if (name.isEmpty() || name.length() > MAX_NAME || !NAME.matcher(name).matches()) {
      throw invalid(
          "the name of metadata key \""
              + key
              + "\" must be 1 to 63 letters, digits, \"-\", \"_\" or \".\", with a letter or digit"
              + " at both ends");
    }
  }

  private static void checkValue(String key, String value) {
    if (value.length() > MAX_NAME || !(value.isEmpty() || NAME.matcher(value).matches())) {
      throw invalid(
          "the value of metadata key \""
              + key
              + "\" must be empty or 1 to 63 letters, digits, \"-\", \"_\" or \".\", with a letter"
              + " or digit at both ends");
    }
  }

  private static SandboxException invalid(String message) {
    return new SandboxException(ErrorCode.INVALID_METADATA_LABEL, message);
  }
}
