package io.opensandbox.server.tracing;

import io.opentelemetry.sdk.common.export.HttpSender;
import io.opentelemetry.sdk.common.export.HttpSenderConfig;
import io.opentelemetry.sdk.common.export.HttpSenderProvider;

/// Gives the exporter its [CollectorSender]; found by `ServiceLoader`.
public final class CollectorSenderProvider implements HttpSenderProvider {
  @Override
  public HttpSender createSender(HttpSenderConfig config) {
    return new CollectorSender(config);
  }
}
