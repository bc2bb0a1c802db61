package io.opensandbox.execd.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class CorpusTest {
  @Test
  void everyTargetHasACorpus() throws IOException {
    try (Stream<Path> folders = Files.list(Corpus.FOLDER)) {
      assertThat(folders.map(folder -> folder.getFileName().toString()))
          .containsExactlyInAnyOrderElementsOf(
              Corpus.targets().stream().map(Method::getName).toList());
    }
  }
}
