package io.opensandbox.server.http;

import io.avaje.jsonb.Jsonb;
import io.javalin.http.Context;
import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.server.json.Json;
import io.opensandbox.server.json.JsonParser;
import io.opensandbox.server.tracing.TracedRuntime;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.eclipse.jetty.ee10.servlet.ServletContextRequest;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Response;
import org.jspecify.annotations.Nullable;

/// One request and its response, as routes see them. Belongs to the request's thread.
public final class Exchange {
  private final Context context;
  private final int maxBodyBytes;
  private @Nullable Query query;

  Exchange(Context context, int maxBodyBytes) {
    this.context = context;
    this.maxBodyBytes = maxBodyBytes;
  }

  /// The decoded value of a path parameter.
  public String path(String name) {
    return context.pathParam(name);
  }

  /// The query.
  public Query query() {
    if (query == null) {
      query = Query.parse(context.req().getQueryString());
    }
    return query;
  }

  /// A request header, or empty.
  public Optional<String> header(String name) {
    return Optional.ofNullable(context.req().getHeader(name));
  }

  /// Who sent the request.
  public Caller caller() {
    return RequestScope.caller(request());
  }

  /// Whether somebody hears of the request's span.
  public boolean isTraced() {
    return !RequestScope.span(request()).traceId().isEmpty();
  }

  /// Says in the request's span which sandbox it made.
  public void made(String sandboxId) {
    RequestScope.span(request()).set(TracedRuntime.SANDBOX_ID, sandboxId);
  }

  /// The `Host` that the client used, with its port.
  public String host() {
    String header = context.req().getHeader("Host");
    return header == null || header.isBlank()
        ? context.req().getServerName() + ":" + context.req().getServerPort()
        : header.strip();
  }

  /// The text of the JSON body, not parsed yet; empty when there is no body. Throws
  /// `PAYLOAD_TOO_LARGE` beyond the limit and `INVALID_PARAMETER` when it is of another media type.
  public Optional<String> bodyText() throws IOException {
    List<String> types = Collections.list(context.req().getHeaders("Content-Type"));
    return JsonBody.read(types, context.req().getInputStream(), maxBodyBytes);
  }

  /// The JSON object in the text of a body. Throws `INVALID_PARAMETER` when it is something else.
  public static Json.Obj object(String text) {
    return switch (text.isEmpty() ? new Json.Null() : JsonParser.parse(text)) {
      case Json.Obj object -> object;
      case Json.Null _ ->
          throw new SandboxException(
              ErrorCode.INVALID_PARAMETER, "a request body with a JSON object is required");
      case Json other ->
          throw new SandboxException(
              ErrorCode.INVALID_PARAMETER,
              "the request body must be a JSON object, not " + other.kind());
    };
  }

  /// Adds a response header.
  public void setHeader(String name, String value) {
    context.res().setHeader(name, value);
  }

  /// Answers with a record as JSON.
  public void reply(int status, Object body) {
    replyJson(status, Jsonb.instance().toJsonBytes(body));
  }

  /// Answers with JSON text that is already written.
  public void replyJson(int status, byte[] json) {
    context.status(status).contentType("application/json").result(json);
    context.res().setContentLength(json.length);
  }

  /// Answers with text.
  public void replyText(int status, String text) {
    replyBytes(
        status,
        "text/plain; charset=utf-8",
        text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  /// Answers with bytes of a media type.
  public void replyBytes(int status, String contentType, byte[] bytes) {
    context.status(status).contentType(contentType).result(bytes);
    context.res().setContentLength(bytes.length);
    // The servlet layer takes the space out of "text/plain; charset=utf-8"; the wire has it.
    rawResponse().getHeaders().put(HttpHeader.CONTENT_TYPE, contentType);
  }

  /// Answers without a body. 204 has no length; every other status says `Content-Length: 0`, which
  /// the JavaScript client needs.
  public void replyEmpty(int status) {
    context.status(status);
    context.res().setContentType(null);
    if (status != 204) {
      context.res().setContentLength(0);
    }
  }

  private Response rawResponse() {
    Response response = request().getServletContextResponse();
    while (response instanceof Response.Wrapper wrapper) {
      response = wrapper.getWrapped();
    }
    return response;
  }

  private ServletContextRequest request() {
    return ServletContextRequest.getServletContextRequest(context.req());
  }
}
