package io.opensandbox.server.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.OptionalInt;

/// The row that a result stands on, read by column name. Only valid inside [Sql.Mapper].
public final class Row {
  private final ResultSet result;

  Row(ResultSet result) {
    this.result = result;
  }

  /// The text of a column that is never NULL.
  public String text(String column) throws SQLException {
    String value = result.getString(column);
    if (value == null) {
      throw new SQLException("the column \"" + column + "\" is NULL");
    }
    return value;
  }

  /// The text of a column, or empty for NULL.
  public Optional<String> maybeText(String column) throws SQLException {
    return Optional.ofNullable(result.getString(column));
  }

  /// A number that is never NULL.
  public long number(String column) throws SQLException {
    return result.getLong(column);
  }

  /// A number, or empty for NULL.
  public OptionalInt maybeInteger(String column) throws SQLException {
    int value = result.getInt(column);
    return result.wasNull() ? OptionalInt.empty() : OptionalInt.of(value);
  }

  /// A flag.
  public boolean flag(String column) throws SQLException {
    return number(column) != 0;
  }

  /// An instant that is never NULL.
  public Instant instant(String column) throws SQLException {
    return ofMicros(number(column));
  }

  /// An instant, or empty for NULL.
  public Optional<Instant> maybeInstant(String column) throws SQLException {
    long micros = result.getLong(column);
    return result.wasNull() ? Optional.empty() : Optional.of(ofMicros(micros));
  }

  static long micros(Instant instant) {
    return ChronoUnit.MICROS.between(Instant.EPOCH, instant);
  }

  private static Instant ofMicros(long micros) {
    return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
  }
}
