package io.opensandbox.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Addresses of PostgreSQL databases.
class PostgresqlAddressTest {
  private static PostgresqlAddress parse(String url) {
    return PostgresqlAddress.parse(url, Optional.of("user"), Optional.of("secret"), 10);
  }

  @ParameterizedTest
  @CsvSource({
    "postgresql://db/name, jdbc:postgresql://db:5432/name",
    "postgresql://db:6000/name, jdbc:postgresql://db:6000/name",
    "postgresql://[::1]/name, jdbc:postgresql://[::1]:5432/name",
    "postgresql://db/name?sslmode=require, jdbc:postgresql://db:5432/name?sslmode=require"
  })
  void urlsAreUnderstood(String url, String jdbc) {
    assertThat(parse(url).jdbcUrl()).isEqualTo(jdbc);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "db",
        "http://db/name",
        "postgresql://db",
        "postgresql://db/",
        "postgresql://db/a/b",
        "postgresql:///name",
        "postgresql://user:secret@db/name",
        "postgresql://db/name?password=secret",
        "postgresql://db/name?sslmode=require&user=u",
        "postgresql://db/na me"
      })
  void othersAreRefusedWithoutRepeatingThem(String url) {
    assertThatThrownBy(() -> parse(url))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("must be postgresql://")
        .hasMessageNotContaining("secret");
  }

  @Test
  void itsTextHasNoPassword() {
    assertThat(parse("postgresql://db/name").toString()).isEqualTo("postgresql://db:5432/name");
  }

  @Test
  void anUnreachableDatabaseIsNamedWithoutPassword() {
    var address = parse("postgresql://127.0.0.1:1/name?connectTimeout=1");

    assertThatThrownBy(() -> new PostgresqlDatabase(address, Duration.ofMillis(1)))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("postgresql://127.0.0.1:1/name")
        .hasMessageNotContaining("secret");
  }
}
