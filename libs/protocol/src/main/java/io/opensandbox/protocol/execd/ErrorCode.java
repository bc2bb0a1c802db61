package io.opensandbox.protocol.execd;

/// Every code that execd may answer with, its HTTP status and whose fault it is.
///
/// The wire texts are those that the published clients know; where one text was historically used
/// with several statuses, each pair has its own constant here.
public enum ErrorCode {
  /// A body, query value or working directory that cannot be used as given.
  INVALID_REQUEST_BODY("INVALID_REQUEST_BODY", 400, Fault.CALLER),
  /// A body, form or part that is larger than its limit.
  TOO_LARGE("INVALID_REQUEST_BODY", 413, Fault.CALLER),
  /// An HTTP message that breaks the protocol's rules.
  MALFORMED_REQUEST("INVALID_REQUEST_BODY", 400, Fault.CALLER),
  MISSING_QUERY("MISSING_QUERY", 400, Fault.CALLER),
  UNAUTHORIZED("UNAUTHORIZED", 401, Fault.CALLER),
  FORBIDDEN("FORBIDDEN", 403, Fault.CALLER),
  RUNTIME_ERROR("RUNTIME_ERROR", 500, Fault.US),
  /// Whatever ran out (processes, descriptors, memory): the same request may work later.
  OUT_OF_RESOURCES("RUNTIME_ERROR", 503, Fault.RESOURCES),
  INVALID_FILE("INVALID_FILE", 400, Fault.CALLER),
  INVALID_FILE_METADATA("INVALID_FILE_METADATA", 400, Fault.CALLER),
  INVALID_FILE_CONTENT("INVALID_FILE_CONTENT", 400, Fault.CALLER),
  FILE_NOT_FOUND("FILE_NOT_FOUND", 404, Fault.CALLER),
  /// No space, no quota or no inodes left; what was there before is untouched.
  DISK_FULL("INSUFFICIENT_STORAGE", 507, Fault.RESOURCES),
  CONTEXT_NOT_FOUND("CONTEXT_NOT_FOUND", 404, Fault.CALLER),
  /// An unknown command id; the wire text is the historic one.
  COMMAND_NOT_FOUND("INVALID_REQUEST_BODY", 404, Fault.CALLER),
  SESSION_NOT_FOUND("SESSION_NOT_FOUND", 404, Fault.CALLER),
  SERVICE_UNAVAILABLE("SERVICE_UNAVAILABLE", 503, Fault.RESOURCES),
  NOT_SUPPORTED("NOT_SUPPORTED", 501, Fault.CALLER),
  /// Something that this installation cannot do although the API knows it.
  NOT_SUPPORTED_HERE("NOT_SUPPORTED", 503, Fault.RESOURCES),
  /// A `Range` header that cannot be satisfied or read; the wire text is the historic one.
  RANGE_NOT_SATISFIABLE("UNKNOWN", 416, Fault.CALLER),
  ALREADY_CONNECTED("ALREADY_CONNECTED", 409, Fault.CALLER),
  CONFLICT("CONFLICT", 409, Fault.CALLER),
  BAD_GATEWAY("BAD_GATEWAY", 502, Fault.RESOURCES);

  /// Who has to act: the caller, we ourselves, or whoever gives the sandbox its resources.
  public enum Fault {
    CALLER,
    US,
    RESOURCES
  }

  private final String wire;
  private final int status;
  private final Fault fault;

  ErrorCode(String wire, int status, Fault fault) {
    this.wire = wire;
    this.status = status;
    this.fault = fault;
  }

  /// The text in the envelope's `code`.
  public String wire() {
    return wire;
  }

  /// The HTTP status it is answered with.
  public int status() {
    return status;
  }

  /// Whose fault it is.
  public Fault fault() {
    return fault;
  }
}
