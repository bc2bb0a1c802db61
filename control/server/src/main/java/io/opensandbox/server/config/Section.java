package io.opensandbox.server.config;

import java.util.List;

/// One table of the file.
///
/// @param name dotted, `ingress.gateway.route`
/// @param description what it is for
/// @param keys in the order of the documentation
record Section(String name, String description, List<Key> keys) {
  Section {
    keys = List.copyOf(keys);
  }

  List<String> path() {
    return List.of(name.split("\\."));
  }
}
