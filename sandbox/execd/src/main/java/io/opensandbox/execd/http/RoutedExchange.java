package io.opensandbox.execd.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// An exchange seen through a route: with path parameters, or under another path.
record RoutedExchange(
    Exchange exchange, String rawPath, String path, Map<String, String> parameters)
    implements Exchange {

  static Exchange matched(Exchange exchange, Map<String, String> parameters) {
    return new RoutedExchange(exchange, exchange.rawPath(), exchange.path(), parameters);
  }

  static Exchange renamed(Exchange exchange, String rawPath) {
    return new RoutedExchange(exchange, rawPath, PercentCoding.decode(rawPath, false), Map.of());
  }

  @Override
  public String pathParameter(String name) {
    String value = parameters.get(name);
    if (value == null) {
      throw new IllegalArgumentException("the route has no parameter \"" + name + "\"");
    }
    return value;
  }

  @Override
  public Exchange withRawPath(String newRawPath) {
    return renamed(exchange, newRawPath);
  }

  @Override
  public String method() {
    return exchange.method();
  }

  @Override
  public Query query() {
    return exchange.query();
  }

  @Override
  public Headers headers() {
    return exchange.headers();
  }

  @Override
  public InputStream body() {
    return exchange.body();
  }

  @Override
  public byte[] readBody(long limitBytes) throws IOException {
    return exchange.readBody(limitBytes);
  }

  @Override
  public void respond(int status, String contentType, byte[] body) throws IOException {
    exchange.respond(status, contentType, body);
  }

  @Override
  public void respond(int status, Headers headers, byte[] body) throws IOException {
    exchange.respond(status, headers, body);
  }

  @Override
  public void respondEmpty(int status) throws IOException {
    exchange.respondEmpty(status);
  }

  @Override
  public OutputStream startStream(int status, Headers headers, OptionalLong length)
      throws IOException {
    return exchange.startStream(status, headers, length);
  }

  @Override
  public void respondFile(int status, Headers headers, FileChannel file, long position, long count)
      throws IOException {
    exchange.respondFile(status, headers, file, position, count);
  }

  @Override
  public WebSocket upgradeWebSocket() throws IOException {
    return exchange.upgradeWebSocket();
  }

  @Override
  public void onClientGone(Runnable action) {
    exchange.onClientGone(action);
  }

  @Override
  public boolean isWebSocketUpgrade() {
    return exchange.isWebSocketUpgrade();
  }

  @Override
  public RawConnection takeOver() {
    return exchange.takeOver();
  }

  @Override
  public boolean isCommitted() {
    return exchange.isCommitted();
  }

  @Override
  public InetSocketAddress remote() {
    return exchange.remote();
  }

  @Override
  public String requestId() {
    return exchange.requestId();
  }

  @Override
  public void matched(String route) {
    exchange.matched(route);
  }

  @Override
  public void remark(String text) {
    exchange.remark(text);
  }

  @Override
  public void ended(boolean success) {
    exchange.ended(success);
  }

  @Override
  public Optional<Boolean> outcome() {
    return exchange.outcome();
  }
}
