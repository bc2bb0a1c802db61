package io.opensandbox.runtime.local.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageSourceTest {
  @TempDir Path directory;

  @ParameterizedTest
  @CsvSource({
    "busybox,docker://docker.io/library/busybox:latest,docker.io",
    "python:3.12,docker://docker.io/library/python:3.12,docker.io",
    "team/app,docker://docker.io/team/app:latest,docker.io",
    "localhost/app:1,docker://localhost/app:1,localhost",
    "127.0.0.1:5000/team/app,docker://127.0.0.1:5000/team/app:latest,127.0.0.1:5000",
    "registry.example/a/b:x,docker://registry.example/a/b:x,registry.example"
  })
  void registryReference_isCompleted(String reference, String name, String registry) {
    ImageSource source = ImageSource.parse(reference, List.of());

    assertThat(source.name()).isEqualTo(name);
    assertThat(source.registry()).contains(registry);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "UPPER",
        "--help",
        "a b",
        "docker://x",
        "dir:/etc",
        "a:b:c",
        "x@sha256:12",
        "../x",
        "a\nb"
      })
  void anythingElse_isRefused(String reference) {
    assertThatThrownBy(() -> ImageSource.parse(reference, List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("invalid reference format");
  }

  @Test
  void file_mustLieBelowAnAllowedDirectory() throws IOException {
    Path inside = Files.createDirectory(directory.resolve("in"));
    Path image = Files.createDirectory(inside.resolve("image"));
    Files.createSymbolicLink(inside.resolve("out"), Path.of("/etc"));

    assertThat(ImageSource.parse("oci:" + image + ":tag", List.of(inside)).name())
        .isEqualTo("oci:" + image.toRealPath() + ":tag");
    for (String path : List.of("/etc", inside + "/out", inside + "/../x", inside + "/none")) {
      assertThatThrownBy(() -> ImageSource.parse("oci:" + path, List.of(inside)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
