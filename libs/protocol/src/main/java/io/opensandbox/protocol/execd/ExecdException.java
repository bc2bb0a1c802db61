package io.opensandbox.protocol.execd;

/// Stops a request to execd with a code of the contract. The message is shown to the caller: it
/// names what was tried and never carries a secret.
public final class ExecdException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ErrorCode code;

  /// An error without an underlying fault.
  public ExecdException(ErrorCode code, String message) {
    super(message);
    this.code = code;
  }

  /// An error that keeps the fault below it for the log.
  public ExecdException(ErrorCode code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  /// The code that decides status and envelope.
  public ErrorCode code() {
    return code;
  }
}
