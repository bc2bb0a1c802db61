package io.opensandbox.execd;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.random.KernelRandom;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class IdsTest {
  private final Ids ids = new Ids(new KernelRandom());

  @Test
  void session_isARandomUuid() {
    UUID id = UUID.fromString(ids.session());

    assertThat(id.version()).isEqualTo(4);
    assertThat(id.variant()).isEqualTo(2);
  }

  @Test
  void command_isAUuidWithoutDashes() {
    assertThat(ids.command()).matches("[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}");
  }

  @Test
  void idsAreDistinct_beyondOneReadOfTheDevice() {
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < 1000; i++) {
      seen.add(ids.command());
    }
    assertThat(seen).hasSize(1000);
  }
}
