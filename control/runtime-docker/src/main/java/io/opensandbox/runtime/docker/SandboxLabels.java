package io.opensandbox.runtime.docker;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.opensandbox.runtime.Labels;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/// Which labels of a container are the sandbox's own.
///
/// Docker merges the labels of an image into every container made from it, and a snapshot is an
/// image with its source's labels. So a container says which keys the request had, reserved keys
/// that the request did not have are blanked, and a blank reserved label counts as absent.
final class SandboxLabels {
  /// On a sandbox: JSON array with the keys of the request's metadata.
  static final String METADATA_KEYS = Labels.PREFIX + "metadata-keys";

  private static final List<String> FOREIGN_PREFIXES =
      List.of("org.opencontainers.image.", "com.docker.", "desktop.docker.");
  private static final List<String> RESERVED =
      List.of(
          Labels.EXPIRES_AT,
          Labels.MANUAL_CLEANUP,
          Labels.PLATFORM_OS,
          Labels.PLATFORM_ARCH,
          Labels.SNAPSHOT_ID,
          Labels.EXECD_PORT,
          Labels.HTTP_PORT,
          Labels.VOLUMES,
          Labels.OSSFS_MOUNTS,
          Labels.EGRESS_TOKEN,
          Labels.EGRESS_SIDECAR_FOR,
          Labels.ACCESS_RENEW_SECONDS);
  private static final ObjectMapper JSON = new ObjectMapper();

  private SandboxLabels() {}

  /// Labels for a new container.
  ///
  /// @param wanted the sandbox's own labels
  /// @param image labels of its image, which would shine through
  static Map<String, String> forContainer(Map<String, String> wanted, Map<String, String> image) {
    Map<String, String> labels = new TreeMap<>();
    for (String key : image.keySet()) {
      if (key.startsWith(Labels.PREFIX)) {
        labels.put(key, "");
      }
    }
    if (image.keySet().stream().anyMatch(key -> key.startsWith(Labels.PREFIX))) {
      RESERVED.forEach(key -> labels.put(key, ""));
    }
    labels.putAll(wanted);
    Set<String> metadata = new TreeSet<>(wanted.keySet());
    metadata.removeIf(key -> key.startsWith(Labels.PREFIX));
    labels.put(METADATA_KEYS, json(metadata));
    return labels;
  }

  /// The sandbox's own labels on a container.
  static Map<String, String> ofContainer(Map<String, String> container) {
    Map<String, String> labels = new TreeMap<>();
    String keys = container.getOrDefault(METADATA_KEYS, "");
    Set<String> metadata = keys.isBlank() ? Set.of() : new TreeSet<>(names(keys));
    boolean listed = !keys.isBlank();
    for (Map.Entry<String, String> label : container.entrySet()) {
      String key = label.getKey();
      boolean own;
      if (key.startsWith(Labels.PREFIX)) {
        own = !label.getValue().isBlank() && !key.equals(METADATA_KEYS);
      } else if (listed) {
        own = metadata.contains(key);
      } else {
        // Made by a server that does not list the keys: everything that is not known to be foreign.
        own = FOREIGN_PREFIXES.stream().noneMatch(key::startsWith);
      }
      if (own) {
        labels.put(key, label.getValue());
      }
    }
    return labels;
  }

  /// The names in a JSON array; nothing for text that is none.
  static List<String> names(String text) {
    try {
      return JSON.readValue(text, new TypeReference<List<String>>() {});
    } catch (JsonProcessingException _) {
      return List.of(); // the contract: labels that do not parse count as empty
    }
  }

  /// Compact JSON array of names.
  static String json(Collection<String> names) {
    return JSON.valueToTree(names).toString();
  }
}
