package io.opensandbox.server.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// One statement with its parameters in order. Instants are stored as microseconds since 1970,
/// flags as 0 and 1, in every dialect.
public final class Sql {
  private final Connection connection;
  private final String text;
  private final List<@Nullable Object> parameters = new ArrayList<>();

  private Sql(Connection connection, String text) {
    this.connection = connection;
    this.text = text;
  }

  /// A statement whose `?` are filled by the following calls.
  public static Sql of(Connection connection, String text) {
    return new Sql(connection, text);
  }

  /// Makes something of the row that a result stands on.
  @FunctionalInterface
  public interface Mapper<T> {
    /// Reads one row.
    T map(Row row) throws SQLException;
  }

  /// The next parameter, a text; null is SQL's NULL.
  public Sql with(@Nullable String value) {
    parameters.add(value);
    return this;
  }

  /// The next parameter, a text or NULL.
  public Sql withText(Optional<String> value) {
    return with(value.orElse(null));
  }

  /// The next parameter, a number.
  public Sql with(long value) {
    parameters.add(value);
    return this;
  }

  /// The next parameter, a number or NULL.
  public Sql with(OptionalInt value) {
    parameters.add(value.isPresent() ? (Long) (long) value.getAsInt() : null);
    return this;
  }

  /// The next parameter, a flag.
  public Sql with(boolean value) {
    return with(value ? 1L : 0L);
  }

  /// The next parameter, an instant.
  public Sql with(Instant value) {
    return with(Row.micros(value));
  }

  /// The next parameter, an instant or NULL.
  public Sql withInstant(Optional<Instant> value) {
    parameters.add(value.map(Row::micros).orElse(null));
    return this;
  }

  /// Runs a change.
  ///
  /// @return how many rows it changed
  public int update() throws SQLException {
    try (PreparedStatement statement = prepare()) {
      return statement.executeUpdate();
    }
  }

  /// Runs a change and says whether it found its row.
  public boolean updateOne() throws SQLException {
    return update() == 1;
  }

  /// Every row of a query.
  public <T> List<T> list(Mapper<T> mapper) throws SQLException {
    try (PreparedStatement statement = prepare();
        ResultSet result = statement.executeQuery()) {
      var row = new Row(result);
      List<T> rows = new ArrayList<>();
      while (result.next()) {
        rows.add(mapper.map(row));
      }
      return rows;
    }
  }

  /// The first row of a query, if there is one.
  public <T> Optional<T> first(Mapper<T> mapper) throws SQLException {
    List<T> rows = list(mapper);
    return rows.isEmpty() ? Optional.empty() : Optional.of(rows.getFirst());
  }

  private PreparedStatement prepare() throws SQLException {
    PreparedStatement statement = connection.prepareStatement(text);
    try {
      for (int i = 0; i < parameters.size(); i++) {
        statement.setObject(i + 1, parameters.get(i));
      }
      return statement;
    } catch (SQLException e) {
      statement.close();
      throw e;
    }
  }
}
