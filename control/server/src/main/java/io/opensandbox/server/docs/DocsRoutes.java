package io.opensandbox.server.docs;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.server.http.Exchange;
import io.opensandbox.server.http.RouteTable;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The routes of the API's description. Nobody needs a key for them.
public final class DocsRoutes {
  private static final String HTML = "text/html; charset=utf-8";
  private static final String SCRIPT = "text/javascript; charset=utf-8";

  /// Pages load nothing from elsewhere and run no script that is not a file of ours. Swagger UI
  /// sets styles on elements and draws with `data:` images.
  private static final String POLICY =
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
          + " frame-ancestors 'none'";

  /// The files of a page, by the last part of their path.
  private final Map<String, Asset> assets =
      Map.of(
          "swagger-ui.css", new Asset(SwaggerUi.path("swagger-ui.css"), "text/css; charset=utf-8"),
          "swagger-ui-bundle.js", new Asset(SwaggerUi.path("swagger-ui-bundle.js"), SCRIPT),
          "oauth2-redirect.js", new Asset(SwaggerUi.path("oauth2-redirect.js"), SCRIPT),
          "favicon-32x32.png", new Asset(SwaggerUi.path("favicon-32x32.png"), "image/png"),
          "docs.js", new Asset("docs.js", SCRIPT),
          "redoc.js", new Asset("redoc.js", SCRIPT));

  private volatile byte @Nullable [] document;

  private record Asset(String resource, String contentType) {}

  /// Adds the routes.
  public void register(RouteTable routes) {
    routes.addAtRoot("GET", "/openapi.json", exchange -> exchange.replyJson(200, document()));
    routes.addAtRoot("GET", "/docs", exchange -> page(exchange, "docs.html"));
    routes.addAtRoot("GET", "/docs/oauth2-redirect", exchange -> page(exchange, "redirect.html"));
    routes.addAtRoot("GET", "/docs/{asset}", this::asset);
    routes.addAtRoot("GET", "/redoc", exchange -> page(exchange, "redoc.html"));
  }

  /// Made when it is first asked for; two that ask at once both make it.
  private byte[] document() {
    byte[] made = document;
    if (made == null) {
      made = ApiDocument.json();
      document = made;
    }
    return made;
  }

  private static void page(Exchange exchange, String resource) throws IOException {
    exchange.setHeader("Content-Security-Policy", POLICY);
    exchange.replyBytes(200, HTML, read(resource));
  }

  private void asset(Exchange exchange) throws IOException {
    Asset asset = assets.get(exchange.path("asset"));
    if (asset == null) {
      throw new SandboxException(
          ErrorCode.ROUTE_NOT_FOUND, "there is no \"" + exchange.path("asset") + "\" in the docs");
    }
    exchange.setHeader("Cache-Control", "public, max-age=3600");
    exchange.replyBytes(200, asset.contentType(), read(asset.resource()));
  }

  private static byte[] read(String resource) throws IOException {
    try (InputStream in = DocsRoutes.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("the build has left out " + resource);
      }
      return in.readAllBytes();
    }
  }
}
