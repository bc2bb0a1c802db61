package io.opensandbox.runtime.docker.engine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.InterruptedIOException;
import org.jspecify.annotations.Nullable;

/// A call that the engine refused or that did not reach it. The message is the engine's own text.
public final class EngineException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final int status;

  EngineException(int status, String text, @Nullable Throwable cause) {
    super(text, cause);
    this.status = status;
  }

  /// An answer with an error status; `body` is JSON with a `message`, or plain text.
  static EngineException answered(int status, String body, @Nullable Throwable cause) {
    return new EngineException(status, text(body), cause);
  }

  private static String text(String body) {
    if (body.startsWith("{")) {
      try {
        JsonNode message = JSON.readTree(body).path("message");
        if (message.isTextual()) {
          return message.textValue().strip();
        }
      } catch (JsonProcessingException _) {
        // not JSON after all; the raw text is as good as it gets
      }
    }
    return body.strip();
  }

  /// HTTP status of the engine's answer; 0 when there was none.
  public int status() {
    return status;
  }

  /// Whether the object of the call does not exist.
  public boolean isNotFound() {
    return status == 404;
  }

  /// Whether the object's state or name forbids the call.
  public boolean isConflict() {
    return status == 409;
  }

  /// Whether the engine said nothing for the configured time.
  public boolean isTimeout() {
    for (Throwable cause = getCause(); cause != null; cause = cause.getCause()) {
      if (cause instanceof InterruptedIOException) {
        return true;
      }
    }
    return false;
  }

  /// The engine's text; never null.
  public String text() {
    return String.valueOf(getMessage());
  }
}
