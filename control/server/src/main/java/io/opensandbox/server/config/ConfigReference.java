package io.opensandbox.server.config;

/// The page `docs/configuration.md`, made from the schema.
final class ConfigReference {
  private ConfigReference() {}

  /// The whole page as Markdown.
  static String markdown() {
    var out = new StringBuilder();
    out.append(
        """
        <!-- Generated from ConfigSchema by ConfigReferenceTest; do not edit. -->
        # Configuration

        One TOML file: `--config PATH`, else `$SANDBOX_CONFIG_PATH`, else `~/.sandbox.toml`.
        `opensandbox-server init-config` writes one, `opensandbox-server --check` says what is wrong
        with one, with key and line. Unknown keys are ignored. `OPENSANDBOX_SERVER_API_KEY`, when it
        is set, replaces `server.api_key`, and `OPENSANDBOX_STORE_PASSWORD` replaces
        `store.password`; no other key has a variable.
        """);
    for (Section section : ConfigSchema.ALL) {
      out.append("\n## `[").append(section.name()).append("]`\n\n");
      out.append(section.description()).append("\n\n");
      out.append("| key | type | default | allowed | meaning |\n|---|---|---|---|---|\n");
      for (Key key : section.keys()) {
        out.append("| `").append(key.name()).append("` | ").append(key.type().words);
        out.append(" | ").append(defaultOf(key)).append(" | ").append(cell(key.rule()));
        out.append(" | ").append(cell(key.description())).append(" |\n");
      }
    }
    return out.toString();
  }

  private static String defaultOf(Key key) {
    return switch (key.defaultText()) {
      case Key.UNSET, Key.REQUIRED -> key.defaultText();
      default -> "`" + cell(key.defaultText()) + "`";
    };
  }

  private static String cell(String text) {
    return text.replace("|", "\\|");
  }
}
