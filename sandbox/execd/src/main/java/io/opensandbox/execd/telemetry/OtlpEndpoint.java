package io.opensandbox.execd.telemetry;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.util.zip.GZIPOutputStream;

/// Posts messages to a collector.
final class OtlpEndpoint {
  private final TelemetrySettings settings;

  OtlpEndpoint(TelemetrySettings settings) {
    this.settings = settings;
  }

  /// Sends one message; blocks until it was taken.
  ///
  /// @throws IOException when it was not
  void send(byte[] message) throws IOException {
    HttpURLConnection connection = (HttpURLConnection) settings.endpoint().toURL().openConnection();
    try {
      int timeout = (int) settings.timeout().toMillis();
      connection.setConnectTimeout(timeout);
      connection.setReadTimeout(timeout);
      connection.setRequestMethod("POST");
      connection.setDoOutput(true);
      connection.setUseCaches(false);
      settings.headers().forEach(connection::setRequestProperty);
      connection.setRequestProperty("Content-Type", "application/x-protobuf");
      byte[] body = message;
      if (settings.gzip()) {
        connection.setRequestProperty("Content-Encoding", "gzip");
        body = compressed(message);
      }
      connection.setFixedLengthStreamingMode(body.length);
      try (OutputStream out = connection.getOutputStream()) {
        out.write(body);
      }
      int status = connection.getResponseCode();
      if (status / 100 != 2) {
        throw new IOException("the collector answered " + status);
      }
    } finally {
      connection.disconnect();
    }
  }

  private static byte[] compressed(byte[] message) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(message);
    }
    return out.toByteArray();
  }
}
