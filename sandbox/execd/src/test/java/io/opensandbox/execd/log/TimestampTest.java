package io.opensandbox.execd.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TimestampTest {
  @Test
  void agreesWithTheFormatterOfTheJdk() {
    var formatter = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSxx");
    var random = new Random(1);
    for (int i = 0; i < 20_000; i++) {
      long millis = random.nextLong(0, 7_258_118_400_000L);

      String expected = formatter.format(Instant.ofEpochMilli(millis).atOffset(ZoneOffset.UTC));

      assertThat(Timestamp.format(millis)).isEqualTo(expected);
    }
  }
}
