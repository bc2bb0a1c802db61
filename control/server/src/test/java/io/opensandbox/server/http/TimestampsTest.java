package io.opensandbox.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opensandbox.protocol.lifecycle.SandboxException;
import java.time.Instant;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Times on the wire.
class TimestampsTest {
  @ParameterizedTest
  @CsvSource({
    "2030-01-01T00:00:00Z, 2030-01-01T00:00:00Z",
    "2030-01-01T00:00:00.5Z, 2030-01-01T00:00:00.500000Z",
    "2030-01-01T00:00:00.000000999Z, 2030-01-01T00:00:00Z",
    "2030-01-01T00:00:00.123456789Z, 2030-01-01T00:00:00.123456Z"
  })
  void areWrittenWithSixDigitsOrNone(String instant, String text) {
    assertThat(Timestamps.format(Instant.parse(instant))).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "2030-01-01T01:00:00+01:00, 2030-01-01T00:00:00Z",
    "2030-01-01T01:00:00+0100, 2030-01-01T00:00:00Z",
    "2030-01-01T00:00:00.1234567Z, 2030-01-01T00:00:00.123456Z",
    "2030-01-01T00:00:00.123456789123Z, 2030-01-01T00:00:00.123456Z",
    "2030-01-01t00:00:00z, 2030-01-01T00:00:00Z",
    "2030-01-01 00:00, 2030-01-01T00:00:00Z",
    "2030-01-01T00:00:00, 2030-01-01T00:00:00Z",
    "2030-01-01, 2030-01-01T00:00:00Z",
    "1893456000, 2030-01-01T00:00:00Z",
    "1893456000.5, 2030-01-01T00:00:00.500Z",
    "1893456000000, 2030-01-01T00:00:00Z"
  })
  void areReadInEveryFormOfTheContract(String text, String instant) {
    assertThat(Timestamps.parse("t", text)).isEqualTo(Instant.parse(instant));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " 2030-01-01",
        "2030-13-01T00:00:00Z",
        "2030-02-30T00:00:00Z",
        "2030-01-01T24:00:00Z",
        "2030-01-01T00:00:00+99:00",
        "yesterday",
        "2030-1-1",
        "99999999999999999"
      })
  void everythingElseIsRefused(String text) {
    assertThatThrownBy(() -> Timestamps.parse("expiresAt", text))
        .isInstanceOf(SandboxException.class)
        .hasMessageContaining("expiresAt");
  }
}
