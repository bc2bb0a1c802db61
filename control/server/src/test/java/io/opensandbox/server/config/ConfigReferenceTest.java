package io.opensandbox.server.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/// Keeps `docs/configuration.md` equal to the schema. When it differs, the test writes the new page
/// and fails once.
class ConfigReferenceTest {
  private static final Path PAGE = Path.of("../../docs/configuration.md");

  @Test
  void pageIsCurrent() throws IOException {
    String wanted = ConfigReference.markdown();
    String found = Files.exists(PAGE) ? Files.readString(PAGE) : "";
    if (!found.equals(wanted)) {
      Files.writeString(PAGE, wanted);
    }

    assertThat(found)
        .as("docs/configuration.md was stale and is rewritten; commit it")
        .isEqualTo(wanted);
  }
}
