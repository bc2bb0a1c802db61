package io.opensandbox.runtime.docker.image;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ImageNameTest {
  @ParameterizedTest
  @CsvSource({
    "busybox,busybox,latest,false",
    "busybox:1.36,busybox,1.36,false",
    "registry.test:5000/a/b,registry.test:5000/a/b,latest,false",
    "registry.test:5000/a/b:v1,registry.test:5000/a/b,v1,false",
    "a@sha256:0123,a,sha256:0123,true",
    "a:v1@sha256:0123,a:v1,sha256:0123,true",
  })
  void partsOfAReference(String reference, String repository, String tag, boolean digest) {
    assertThat(ImageName.parse(reference)).contains(new ImageName(repository, tag, digest));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "a b", "a?b", "../containers", "-a", "a\nb"})
  void notAReference(String text) {
    assertThat(ImageName.parse(text)).isEmpty();
  }

  @Test
  void registryIsTheOneThatLoginsAreStoredUnder() {
    assertThat(ImageName.parse("busybox").orElseThrow().registry())
        .isEqualTo("https://index.docker.io/v1/");
    assertThat(ImageName.parse("team/app").orElseThrow().registry())
        .isEqualTo("https://index.docker.io/v1/");
    assertThat(ImageName.parse("localhost/app").orElseThrow().registry()).isEqualTo("localhost");
    assertThat(ImageName.parse("r.test:5000/app").orElseThrow().registry())
        .isEqualTo("r.test:5000");
  }

  @ParameterizedTest
  @CsvSource({"x86_64,amd64", "X86-64,amd64", "aarch64,arm64", "arm64/v8,arm64", "riscv64,riscv64"})
  void architecturesHaveOneSpelling(String alias, String arch) {
    assertThat(Platforms.arch(alias)).isEqualTo(arch);
  }
}
