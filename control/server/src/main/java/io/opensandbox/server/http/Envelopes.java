package io.opensandbox.server.http;

import io.avaje.jsonb.JsonType;
import io.avaje.jsonb.Jsonb;
import io.opensandbox.protocol.ErrorBody;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.server.json.JsonSyntaxException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The one place where a throwable becomes status, code and message.
public final class Envelopes {
  private static final Logger LOG = LoggerFactory.getLogger(Envelopes.class);

  private final JsonType<ErrorBody> type = Jsonb.instance().type(ErrorBody.class);

  /// An error as it is answered.
  ///
  /// @param status of HTTP
  /// @param body the envelope
  public record Answer(int status, String body) {}

  /// What to answer for `error`. Faults that are not the caller's are logged here, once.
  public Answer answer(Throwable error) {
    return switch (error) {
      case SandboxException known -> {
        if (known.code().fault() != ErrorCode.Fault.CALLER) {
          LOG.warn("{}: {}", known.code().wire(), known.getMessage(), known.getCause());
        }
        yield answer(known.code(), String.valueOf(known.getMessage()));
      }
      case JsonSyntaxException malformed ->
          answer(ErrorCode.INVALID_PARAMETER, "body is not valid JSON: " + malformed.getMessage());
      default -> {
        LOG.error("unexpected fault", error);
        yield answer(
            ErrorCode.INTERNAL_ERROR,
            "an unexpected fault stopped this request; the server's log has it under the"
                + " X-Request-ID of this response");
      }
    };
  }

  /// What to answer for a code.
  public Answer answer(ErrorCode code, String message) {
    return new Answer(code.status(), type.toJson(new ErrorBody(code.wire(), message)));
  }

  /// Writes `answer` to a response that is not committed, in front of the routes.
  public void write(Response response, Callback callback, Answer answer) {
    response.setStatus(answer.status());
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
    byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
    response.getHeaders().put(HttpHeader.CONTENT_LENGTH, body.length);
    response.write(true, ByteBuffer.wrap(body), callback);
  }
}
