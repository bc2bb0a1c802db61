package io.opensandbox.server.access;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.server.http.Caller;
import io.opensandbox.server.http.Envelopes;
import io.opensandbox.server.http.RequestScope;
import io.opensandbox.server.proxy.ProxyHandler;
import java.util.regex.Pattern;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.URIUtil;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Lets a request pass when its path needs no key or its key is known and allowed to do it.
public final class KeyGate extends Handler.Wrapper {
  /// Header that carries the key.
  public static final String HEADER = "OPEN-SANDBOX-API-KEY";

  private static final Logger AUDIT = LoggerFactory.getLogger("audit");
  private static final Pattern PROXY = Pattern.compile("(/v1)?/sandboxes/[^/]+/proxy/\\d+(/.*|$)");

  private final ApiKeys keys;
  private final RateLimit limit;
  private final Envelopes envelopes;

  /// @param next handler behind the gate
  public KeyGate(Handler next, ApiKeys keys, RateLimit limit, Envelopes envelopes) {
    super(next);
    this.keys = keys;
    this.limit = limit;
    this.envelopes = envelopes;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    String path = decodedPath(request);
    // Handshakes carry no key; the proxy behind this gate answers every one of them.
    if (isExempt(path) || ProxyHandler.isWebSocketHandshake(request)) {
      return super.handle(request, response, callback);
    }
    if (keys.isEmpty()) {
      auditMutation(request, response, Caller.ANONYMOUS);
      return super.handle(request, response, callback);
    }
    @Nullable String sent = request.getHeaders().get(HEADER);
    if (sent == null || sent.isEmpty()) {
      return refuse(
          response,
          callback,
          ErrorCode.MISSING_API_KEY,
          "the header " + HEADER + " with an API key is required");
    }
    @Nullable Caller caller = keys.find(sent);
    if (caller == null) {
      return refuse(
          response,
          callback,
          ErrorCode.INVALID_API_KEY,
          "the API key in " + HEADER + " is not known");
    }
    RequestScope.setCaller(request, caller);
    Caller.Scope needed = neededScope(request.getMethod());
    if (!caller.scopes().contains(needed)) {
      return refuse(
          response,
          callback,
          ErrorCode.FORBIDDEN,
          "the API key \"" + caller.name() + "\" lacks the scope \"" + needed.wire() + "\"");
    }
    long waitSeconds = limit.admit(caller.name());
    if (waitSeconds > 0) {
      response.getHeaders().put("Retry-After", waitSeconds);
      return refuse(
          response,
          callback,
          ErrorCode.RATE_LIMITED,
          "too many requests with the API key \"" + caller.name() + "\"");
    }
    auditMutation(request, response, caller);
    return super.handle(request, response, callback);
  }

  private static void auditMutation(Request request, Response response, Caller caller) {
    if (neededScope(request.getMethod()) != Caller.Scope.WRITE) {
      return;
    }
    Request.addCompletionListener(
        request,
        _ ->
            AUDIT.info(
                "request={} key={} tenant={} method={} path={} status={}",
                RequestScope.id(request),
                caller.name(),
                caller.tenant().isEmpty() ? "-" : caller.tenant(),
                request.getMethod(),
                request.getHttpURI().getPath(),
                response.getStatus()));
  }

  private static Caller.Scope neededScope(String method) {
    return switch (method) {
      case "GET", "HEAD", "OPTIONS" -> Caller.Scope.READ;
      default -> Caller.Scope.WRITE;
    };
  }

  /// Whether a decoded path may be used without a key.
  static boolean isExempt(String path) {
    return path.startsWith("/health")
        || path.startsWith("/ready")
        || path.startsWith("/docs")
        || path.startsWith("/redoc")
        || path.startsWith("/openapi.json")
        || (PROXY.matcher(path).matches() && !path.contains(".."));
  }

  private static String decodedPath(Request request) {
    @Nullable String path = request.getHttpURI().getPath();
    if (path == null) {
      return "";
    }
    try {
      return URIUtil.decodePath(path);
    } catch (IllegalArgumentException _) { // not decodable, so no exempt path either
      return path;
    }
  }

  private boolean refuse(Response response, Callback callback, ErrorCode code, String message) {
    envelopes.write(response, callback, envelopes.answer(code, message));
    return true;
  }
}
