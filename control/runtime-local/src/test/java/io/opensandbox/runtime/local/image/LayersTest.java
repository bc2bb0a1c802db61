package io.opensandbox.runtime.local.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LayersTest {
  private static final Runner.Output DONE = new Runner.Output(0, "", "");

  @TempDir Path directory;
  private final List<String> removed = new ArrayList<>();
  private Layers layers;

  @BeforeEach
  void layers() {
    layers =
        new Layers(
            directory,
            command -> {
              removed.add(command.argv().getLast());
              return DONE;
            });
  }

  @Test
  void layerThatSomebodyElseMadeMeanwhile_isTakenAndTheOwnDraftRemoved() throws IOException {
    layers.make(
        "execd-1",
        draft -> {
          write(draft.resolve("file"), "ours");
          write(layers.path("execd-1").resolve("file"), "theirs");
        });

    assertThat(layers.path("execd-1").resolve("file")).hasContent("theirs");
    assertThat(removed).singleElement().asString().contains("/tmp-");
  }

  @Test
  void layerThatCannotBePutInPlace_isAFailure() {
    assertThatThrownBy(() -> layers.make("execd-1", draft -> write(layers.path("execd-1"), "file")))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessage("cannot make layer execd-1");
    assertThat(removed).singleElement().asString().contains("/tmp-");
  }

  private static void write(Path file, String text) {
    try {
      Files.createDirectories(file.getParent());
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
