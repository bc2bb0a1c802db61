package io.opensandbox.runtime.local.image;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PushbackInputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// A registry of one image with one layer, whose bytes a test sends as badly as it likes.
final class HostileRegistry implements AutoCloseable {
  private static final int HANDSHAKE = 0x16;
  private static final String LAYER = "sha256:" + "b".repeat(64);
  private static final String TYPE = "application/vnd.oci.image.manifest.v1+json";
  private static final String MANIFEST =
      """
      {"schemaVersion": 2, "mediaType": "%s",
       "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                  "digest": "sha256:%s", "size": 100},
       "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar",
                   "digest": "%s", "size": 1000}]}
      """
          .formatted(TYPE, "c".repeat(64), LAYER);

  /// Writes the layer; may go on for ever.
  @FunctionalInterface
  interface Body {
    void writeTo(OutputStream out) throws IOException, InterruptedException;
  }

  private final Body layer;
  private final CountDownLatch gone = new CountDownLatch(1);
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());

  HostileRegistry(Body layer) throws IOException {
    this.layer = layer;
    threads.execute(this::accept);
  }

  /// Reference of the image.
  String image() {
    return "127.0.0.1:" + server.getLocalPort() + "/team/image:1";
  }

  /// Open once the layer was asked for and nobody reads it any more.
  CountDownLatch gone() {
    return gone;
  }

  private void accept() {
    try {
      while (true) {
        Socket client = server.accept();
        threads.execute(() -> serve(client));
      }
    } catch (IOException e) {
      // It was closed.
    }
  }

  private void serve(Socket client) {
    try (client) {
      PushbackInputStream in = new PushbackInputStream(client.getInputStream());
      int first = in.read();
      if (first >= 0 && first != HANDSHAKE) {
        in.unread(first);
        answer(path(in), client.getOutputStream());
      }
    } catch (IOException e) {
      // The one who asked has gone.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String path(InputStream in) throws IOException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
    String request = lines.readLine();
    String header = request;
    while (header != null && !header.isEmpty()) {
      header = lines.readLine();
    }
    return request == null ? "" : request;
  }

  private void answer(String request, OutputStream out) throws IOException, InterruptedException {
    if (request.contains("/blobs/" + LAYER)) {
      try {
        write(out, "application/octet-stream", "");
        layer.writeTo(out);
      } finally {
        gone.countDown();
      }
    } else {
      write(out, request.contains("/manifests/") ? TYPE : "application/json", MANIFEST);
    }
  }

  private static void write(OutputStream out, String type, String body) throws IOException {
    String answer =
        "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\nConnection: close\r\n\r\n" + body;
    out.write(answer.getBytes(StandardCharsets.US_ASCII));
    out.flush();
  }

  @Override
  public void close() throws IOException {
    server.close();
    threads.shutdownNow();
    threads.close();
  }
}
