package io.opensandbox.runtime.docker;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.runtime.Labels;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class SandboxLabelsTest {
  /// What the engine shows: the image's labels with the container's on top.
  private static Map<String, String> merged(Map<String, String> wanted, Map<String, String> image) {
    Map<String, String> all = new HashMap<>(image);
    all.putAll(SandboxLabels.forContainer(wanted, image));
    return all;
  }

  @Test
  void ownLabelsComeBack() {
    Map<String, String> wanted = Map.of(Labels.ID, "1", "team", "red", "empty", "");

    assertThat(SandboxLabels.ofContainer(merged(wanted, Map.of()))).isEqualTo(wanted);
  }

  @Test
  void labelsOfTheImage_doNotShineThrough() {
    Map<String, String> image =
        Map.of(
            "maintainer",
            "somebody",
            "team",
            "blue",
            Labels.EXPIRES_AT,
            "2020-01-01T00:00:00+00:00",
            Labels.VOLUMES,
            "[\"data\"]",
            Labels.EGRESS_TOKEN,
            "secret",
            SandboxLabels.METADATA_KEYS,
            "[\"maintainer\"]");
    Map<String, String> wanted = Map.of(Labels.ID, "1", Labels.MANUAL_CLEANUP, "true");

    assertThat(SandboxLabels.ofContainer(merged(wanted, image))).isEqualTo(wanted);
  }

  @Test
  void containerOfAnotherServer_showsWhatIsNotKnownToBeForeign() {
    Map<String, String> container =
        Map.of(
            Labels.ID,
            "1",
            "team",
            "red",
            "org.opencontainers.image.title",
            "x",
            "com.docker.compose.project",
            "y");

    assertThat(SandboxLabels.ofContainer(container))
        .isEqualTo(Map.of(Labels.ID, "1", "team", "red"));
  }

  @Test
  void namesThatDoNotParse_areNone() {
    assertThat(SandboxLabels.names("[\"a\",\"b\"]")).containsExactly("a", "b");
    assertThat(SandboxLabels.names("server")).isEmpty();
    assertThat(SandboxLabels.json(List.of("a\"b"))).isEqualTo("[\"a\\\"b\"]");
  }
}
