package io.opensandbox.server.renewal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RedisAddressTest {
  @Test
  void readsEveryPart() {
    assertThat(RedisAddress.parse("rediss://me:a%3Ab%2F+c@redis.test:7000/3"))
        .isEqualTo(new RedisAddress("redis.test", 7000, true, "me", Optional.of("a:b/+c"), 3));
    assertThat(RedisAddress.parse("redis://:secret@10.0.0.1"))
        .isEqualTo(new RedisAddress("10.0.0.1", 6379, false, "", Optional.of("secret"), 0));
    assertThat(RedisAddress.parse(" redis://[::1]:1/ "))
        .isEqualTo(new RedisAddress("::1", 1, false, "", Optional.empty(), 0));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "localhost:6379",
        "http://h",
        "redis://",
        "redis:h",
        "redis://u:top secret@h",
        "redis://h/x",
        "redis://h/0/1"
      })
  void refusesWhatIsNoAddressWithoutRepeatingIt(String dsn) {
    assertThatThrownBy(() -> RedisAddress.parse(dsn))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("secret");
  }

  @Test
  void hidesTheLogin() {
    assertThat(RedisAddress.parse("redis://me:secret@h/2")).hasToString("h:6379/2");
  }
}
