package io.opensandbox.execd.sql;

import java.io.IOException;

/// A statement that did not run.
public final class SqlException extends IOException {
  private static final long serialVersionUID = 1L;

  private final Stage stage;

  SqlException(Stage stage, String message, Throwable cause) {
    super(message, cause);
    this.stage = stage;
  }

  /// Where it failed; the name of the error in the API.
  public Stage stage() {
    return stage;
  }

  /// How far a statement came.
  public enum Stage {
    /// The server cannot be reached or refuses us.
    CONNECT("DBInitError"),
    /// A statement that reads.
    QUERY("DBQueryError"),
    /// Any other statement.
    EXECUTE("DBExecError");

    private final String wire;

    Stage(String wire) {
      this.wire = wire;
    }

    /// The `ename` of the error event.
    public String wire() {
      return wire;
    }
  }
}
