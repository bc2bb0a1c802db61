package io.opensandbox.runtime.docker.image;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class PullProgressTest {
  private static ObjectNode line(String id, String status) {
    return new ObjectMapper().createObjectNode().put("id", id).put("status", status);
  }

  @Test
  void countsLayers_andRepeatsNothing() {
    PullProgress progress = new PullProgress("a:1");
    List<String> told = new ArrayList<>();
    List<ObjectNode> lines =
        List.of(
            line("1", "Pulling from library/a"),
            line("aa", "Pulling fs layer"),
            line("bb", "Already exists"),
            line("aa", "Downloading"),
            line("aa", "Downloading"),
            line("aa", "Pull complete"),
            line("", "Digest: sha256:1"));

    lines.forEach(line -> progress.next(line).ifPresent(told::add));

    assertThat(told)
        .containsExactly(
            "Pulling image a:1: 0 of 1 layers",
            "Pulling image a:1: 1 of 2 layers",
            "Pulling image a:1: 2 of 2 layers");
  }
}
