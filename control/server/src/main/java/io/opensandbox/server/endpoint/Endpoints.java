package io.opensandbox.server.endpoint;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxEndpoint;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.protocol.lifecycle.SandboxState;
import io.opensandbox.runtime.PortAddress;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.http.Exchange;
import io.opensandbox.server.http.Query;
import io.opensandbox.server.http.RouteTable;
import io.opensandbox.server.proxy.ProxyTargets;
import io.opensandbox.server.sandbox.SandboxRow;
import io.opensandbox.server.sandbox.SandboxService;
import java.math.BigInteger;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// Resolves ports of sandboxes, for clients and for the proxy.
public final class Endpoints implements ProxyTargets {
  private static final int MAX_PORT = 65535;

  private final SandboxService service;
  private final SandboxRuntime runtime;
  private final Optional<String> publicHost;
  private final Consumer<String> accesses;

  /// @param publicHost of this server (`server.eip`), else the request's own
  /// @param accesses is told of every access through the proxy; returns at once
  public Endpoints(
      SandboxService service,
      SandboxRuntime runtime,
      Optional<String> publicHost,
      Consumer<String> accesses) {
    this.service = service;
    this.runtime = runtime;
    this.publicHost = publicHost.map(Endpoints::withoutSchemeAndSlash);
    this.accesses = accesses;
  }

  /// Adds the route.
  public void register(RouteTable routes) {
    routes.add("GET", "/sandboxes/{id}/endpoints/{port}", this::endpoint);
  }

  @Override
  public PortAddress resolve(String sandboxId, int port) {
    checkPort(port);
    SandboxRow row = service.get(sandboxId, "");
    if (row.status().state() == SandboxState.PENDING) {
      throw new SandboxException(
          ErrorCode.BACKEND_UNREACHABLE,
          "Could not connect to the backend sandbox \"" + sandboxId + "\": it is being prepared");
    }
    return runtime.internalAddress(sandboxId, port);
  }

  @Override
  public void accessed(String sandboxId) {
    accesses.accept(sandboxId);
  }

  private void endpoint(Exchange exchange) {
    Query query = exchange.query();
    boolean throughServer = query.bool("use_server_proxy");
    checkExpires(query, throughServer);
    String id = exchange.path("id");
    int port = port(exchange.path("port"));
    SandboxRow row = service.get(id, exchange.caller().tenant());
    String proxied = publicHost.orElse(exchange.host()) + "/sandboxes/" + id + "/proxy/" + port;
    // Before the runtime has decided on ports, the proxy is the only address that will be right.
    if (row.status().state() == SandboxState.PENDING) {
      exchange.reply(200, new SandboxEndpoint(proxied, null));
      return;
    }
    if (row.status().reason().equals("PROVISIONING_ERROR")) {
      throw new SandboxException(
          ErrorCode.ENDPOINT_UNAVAILABLE,
          "sandbox \"" + id + "\" could not be made: " + row.status().message());
    }
    PortAddress address = runtime.publicAddress(id, port);
    Map<String, String> headers = address.headers();
    exchange.reply(
        200,
        new SandboxEndpoint(
            throughServer ? proxied : address.authority() + address.path(),
            headers.isEmpty() ? null : headers));
  }

  private static void checkExpires(Query query, boolean throughServer) {
    Optional<String> expires = query.text("expires");
    if (expires.isEmpty()) {
      return;
    }
    if (!expires.get().strip().matches("[+-]?\\d{1,40}")) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER,
          "query parameter \"expires\" must be a Unix time in whole seconds");
    }
    if (throughServer) {
      throw new SandboxException(
          ErrorCode.INVALID_PARAMETER,
          "query parameters \"use_server_proxy\" and \"expires\" exclude each other");
    }
    throw new SandboxException(
        ErrorCode.API_NOT_SUPPORTED, "signed endpoints (\"expires\") need the Kubernetes runtime");
  }

  private static int port(String text) {
    BigInteger port = Query.parseInteger(text, "path parameter \"port\" must be an integer");
    checkPort(port.bitLength() < Integer.SIZE ? port.intValue() : -1);
    return port.intValue();
  }

  private static void checkPort(int port) {
    if (port < 1 || port > MAX_PORT) {
      throw new SandboxException(ErrorCode.INVALID_PORT, "port must be from 1 to 65535");
    }
  }

  private static String withoutSchemeAndSlash(String address) {
    return address.replaceFirst("^https?://", "").replaceFirst("/+$", "");
  }
}
