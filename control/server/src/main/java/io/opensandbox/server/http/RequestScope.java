package io.opensandbox.server.http;

import io.opensandbox.server.tracing.Span;
import io.opensandbox.server.tracing.TracedRuntime;
import java.security.SecureRandom;
import java.util.HexFormat;
import org.eclipse.jetty.server.Request;

/// What the handlers of one request tell each other, kept as attributes of Jetty's request.
public final class RequestScope {
  private static final String ID = "io.opensandbox.request-id";
  private static final String CALLER = "io.opensandbox.caller";
  private static final String SPAN = "io.opensandbox.span";

  private RequestScope() {}

  /// The request's id: the client's `X-Request-ID` trimmed, else 32 hexadecimal digits.
  public static String id(Request request) {
    return request.getAttribute(ID) instanceof String id ? id : "-";
  }

  /// Who sent it, once the key gate has let it pass.
  public static Caller caller(Request request) {
    return request.getAttribute(CALLER) instanceof Caller caller ? caller : Caller.ANONYMOUS;
  }

  /// Records who sent it.
  public static void setCaller(Request request, Caller caller) {
    request.setAttribute(CALLER, caller);
  }

  /// Its span; [Span#NONE] when it is not traced.
  public static Span span(Request request) {
    return request.getAttribute(SPAN) instanceof Span span ? span : Span.NONE;
  }

  static void setSpan(Request request, Span span) {
    request.setAttribute(SPAN, span);
  }

  /// Says which route a request has taken, and whose sandbox it is about.
  ///
  /// @param sandboxId empty when it is about none
  public static void describe(Request request, String route, String sandboxId) {
    Span span = span(request);
    span.name(request.getMethod() + " " + route);
    span.set("http.route", route);
    if (!sandboxId.isEmpty()) {
      span.set(TracedRuntime.SANDBOX_ID, sandboxId);
    }
  }

  /// The id of a request that may have been refused before it got one.
  static String idOrFresh(Request request) {
    return request.getAttribute(ID) instanceof String id
        ? id
        : assignId(request, new SecureRandom());
  }

  static String assignId(Request request, SecureRandom random) {
    String sent = request.getHeaders().get("X-Request-ID");
    String id = sent == null || sent.isBlank() ? fresh(random) : sent.strip();
    request.setAttribute(ID, id);
    return id;
  }

  // A version 4 UUID without hyphens.
  private static String fresh(SecureRandom random) {
    byte[] bytes = new byte[16];
    random.nextBytes(bytes);
    bytes[6] = (byte) ((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (byte) ((bytes[8] & 0x3f) | 0x80);
    return HexFormat.of().formatHex(bytes);
  }
}
