package io.opensandbox.execd.isolated;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Which variables reach isolated code.
final class SecretNames {
  /// Variables that usually hold secrets; the strict profile keeps them out.
  static final List<String> PATTERNS =
      List.of(
          "*_API_KEY",
          "*_TOKEN",
          "*_SECRET",
          "*_PASSWORD",
          "AWS_*",
          "ALI_*",
          "ALIYUN_*",
          "K8S_*",
          "KUBE_*");

  private SecretNames() {}

  /// The variables that pass; execd's own token never does.
  static Map<String, String> filter(
      Map<String, String> environment, IsolationRequest.Passthrough passthrough) {
    Map<String, String> passed = new LinkedHashMap<>();
    environment.forEach((name, value) -> {
      boolean named = passthrough.keys().stream().anyMatch(key -> matches(key, name));
      if (named == passthrough.allow() && !name.equals("EXECD_ACCESS_TOKEN")) {
        passed.put(name, value);
      }
    });
    return passed;
  }

  /// Whether a name matches a pattern with at most one `*` at either end, without case.
  static boolean matches(String pattern, String name) {
    String wanted = pattern.toUpperCase(Locale.ROOT);
    String upper = name.toUpperCase(Locale.ROOT);
    if (wanted.startsWith("*")) {
      return upper.endsWith(wanted.substring(1));
    }
    if (wanted.endsWith("*")) {
      return upper.startsWith(wanted.substring(0, wanted.length() - 1));
    }
    return upper.equals(wanted);
  }
}
