package io.opensandbox.runtime.docker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SeccompProfileTest {
  @TempDir Path folder;

  @Test
  void engineGetsJson_orUnconfined_orNothing() throws IOException {
    Path file = Files.writeString(folder.resolve("p.json"), "{ \"a\": [ 1 ] }\n");

    assertThat(SeccompProfile.read(" ").option()).isEmpty();
    assertThat(SeccompProfile.read("unconfined").option()).contains("seccomp=unconfined");
    assertThat(SeccompProfile.read("{\"a\":1}").option()).contains("seccomp={\"a\":1}");
    assertThat(SeccompProfile.read(file.toString()).option()).contains("seccomp={\"a\":[1]}");
  }

  @Test
  void fileThatIsNotThereOrNoJson_isRefusedByKey() throws IOException {
    Path text = Files.writeString(folder.resolve("p.txt"), "not json");

    assertThatThrownBy(() -> SeccompProfile.read(folder.resolve("none") + ""))
        .hasMessageStartingWith("docker.seccomp_profile: cannot read");
    assertThatThrownBy(() -> SeccompProfile.read(text.toString()))
        .hasMessageStartingWith("docker.seccomp_profile: ")
        .hasMessageContaining("is not JSON");
  }
}
