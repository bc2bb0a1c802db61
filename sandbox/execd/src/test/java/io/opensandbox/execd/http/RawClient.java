package io.opensandbox.execd.http;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/// A client that sends exactly the bytes a test wants and reads responses byte by byte. Characters
/// stand for bytes (ISO 8859-1). Every wait ends after 10 s.
public final class RawClient implements AutoCloseable {
  private final Socket socket;
  private final InputStream in;

  /// Connects to a server on loopback.
  public RawClient(int port) {
    try {
      socket = new Socket(InetAddress.getLoopbackAddress(), port);
      socket.setSoTimeout(60_000);
      socket.setTcpNoDelay(true);
      in = new BufferedInputStream(socket.getInputStream());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// A response with its decoded body.
  public record Response(int status, Map<String, String> headers, String body) {
    /// A header, by lower-case name; empty when absent.
    public String header(String name) {
      return headers.getOrDefault(name, "");
    }
  }

  /// Sends text.
  public RawClient send(String text) {
    return send(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  /// Sends bytes.
  public RawClient send(byte[] bytes) {
    try {
      socket.getOutputStream().write(bytes);
      socket.getOutputStream().flush();
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Ends the sending side.
  public RawClient endSending() throws IOException {
    socket.shutdownOutput();
    return this;
  }

  /// Reads one response, decoding its framing.
  public Response receive() throws IOException {
    int status = Integer.parseInt(readLine().split(" ", 3)[1]);
    Map<String, String> headers = readHeaders();
    return new Response(status, headers, readBody(status, headers));
  }

  /// Reads a status line and headers only.
  public Response receiveHead() throws IOException {
    int status = Integer.parseInt(readLine().split(" ", 3)[1]);
    return new Response(status, readHeaders(), "");
  }

  /// Reads exactly this many bytes.
  public byte[] readBytes(int count) throws IOException {
    byte[] bytes = in.readNBytes(count);
    if (bytes.length < count) {
      throw new IOException("connection ended after " + bytes.length + " bytes");
    }
    return bytes;
  }

  /// Reads until the server closes.
  public String readToEnd() throws IOException {
    return new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
  }

  /// Whether the server has closed (or reset) the connection; waits for it or for a byte.
  public boolean isClosed() {
    try {
      return in.read() < 0;
    } catch (IOException _) {
      return true;
    }
  }

  /// Reads one chunk of a chunked body; empty at its end.
  public String readChunk() throws IOException {
    int size = Integer.parseInt(readLine(), 16);
    String chunk = new String(readBytes(size), StandardCharsets.ISO_8859_1);
    readLine();
    return chunk;
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Map<String, String> readHeaders() throws IOException {
    Map<String, String> headers = new LinkedHashMap<>();
    for (String line = readLine(); !line.isEmpty(); line = readLine()) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    return headers;
  }

  private String readBody(int status, Map<String, String> headers) throws IOException {
    if (status < 200 || status == 204 || status == 304) {
      return "";
    }
    if (headers.containsKey("content-length")) {
      return new String(
          readBytes(Integer.parseInt(headers.get("content-length"))), StandardCharsets.UTF_8);
    }
    if (!headers.containsKey("transfer-encoding")) {
      return readToEnd();
    }
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (String chunk = readChunk(); !chunk.isEmpty(); chunk = readChunk()) {
      body.writeBytes(chunk.getBytes(StandardCharsets.ISO_8859_1));
    }
    return body.toString(StandardCharsets.UTF_8);
  }

  private String readLine() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new IOException("connection ended inside a line: " + line);
      }
      line.append((char) c);
    }
    return line.toString().stripTrailing();
  }
}
