package io.opensandbox.execd.log;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SecretMaskTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "git clone https://me:pw@host/x | git clone https://****:****@host/x",
        "curl -H 'Authorization: Bearer abc' x | curl -H 'Authorization: Bearer ****' x",
        "x AccountKey=abc;Other=1 | x AccountKey=****;Other=1",
        "login --password s3cret now | login --password **** now",
        "login --api-key=s3cret | login --api-key=****",
        "docker login --password-stdin x | docker login --password-stdin x",
        "AWS_SECRET_ACCESS_KEY=abc make | AWS_SECRET_ACCESS_KEY=**** make",
        "export DB_PASSWORD='a b'; run | export DB_PASSWORD=****; run",
        "echo AKIAIOSFODNN7EXAMPLE | echo AKIA****",
        "echo a=b http://host:80/ | echo a=b http://host:80/"
      })
  void masksSecretsAndNothingElse(String text, String expected) {
    assertThat(SecretMask.mask(text)).isEqualTo(expected);
  }

  @Test
  void showsOnlyTheEndsOfALongToken() {
    assertThat(SecretMask.maskToken("abcdefghijkl")).isEqualTo("abcd****ijkl");
    assertThat(SecretMask.maskToken("abcdefgh")).isEqualTo("****");
  }
}
