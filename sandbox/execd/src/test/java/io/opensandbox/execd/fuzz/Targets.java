package io.opensandbox.execd.fuzz;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/// Every place where bytes of a client are taken apart, and the request that brings them there.
final class Targets {
  private static final String HANDSHAKE =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
          + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

  private final Path root;
  private final Path envFile;
  private final Map<String, Target> targets = new LinkedHashMap<>();

  /// Makes the bytes to send of an input.
  interface Target {
    byte[] request(byte[] input);
  }

  /// @param root a folder with the file `file`
  /// @param envFile what the daemon reads variables from
  Targets(Path root, Path envFile) {
    this.root = root;
    this.envFile = envFile;
    addHttp();
    addFiles();
    addBodies();
    addExecutions();
    addFrames();
  }

  Map<String, Target> all() {
    return targets;
  }

  private void addHttp() {
    targets.put("head", input -> input);
    targets.put("header", input -> joined("GET /ping HTTP/1.1\r\nHost: x\r\n", input, "\r\n\r\n"));
    targets.put("chunked", input -> head("POST", "/files/mv", "Transfer-Encoding: chunked", input));
    targets.put("path", input -> joined("GET /", input, " HTTP/1.1\r\nHost: x\r\n\r\n"));
    targets.put("query", input -> line("GET", "/files/info", input));
    targets.put("proxy", input -> joined("GET /proxy/1/", input, " HTTP/1.1\r\nHost: x\r\n\r\n"));
    targets.put(
        "token", input -> joined("GET /x HTTP/1.1\r\nX-EXECD-ACCESS-TOKEN: ", input, "\r\n\r\n"));
  }

  private void addFiles() {
    targets.put("file-path", input -> get("/files/info?path=" + encoded(input)));
    targets.put("download-path", input -> get("/files/download?path=" + encoded(input)));
    targets.put("glob", input -> get("/files/search?path=" + root + "&pattern=" + encoded(input)));
    targets.put(
        "depth", input -> get("/directories/list?path=" + root + "&depth=" + encoded(input)));
    targets.put("lines", input -> get("/files/download?path=" + root + "/file&" + lines(input)));
    targets.put(
        "range",
        input ->
            joined(
                "GET /files/download?path=" + root + "/file HTTP/1.1\r\nHost: x\r\nRange: ",
                input,
                "\r\n\r\n"));
    targets.put(
        "delete-path", input -> request("DELETE", "/files?path=" + encoded(input), new byte[0]));
    targets.put(
        "rmdir-path",
        input -> request("DELETE", "/directories?path=" + encoded(input), new byte[0]));
  }

  private String lines(byte[] input) {
    int half = input.length / 2;
    String text = new String(input, StandardCharsets.ISO_8859_1);
    return "offset=" + encoded(text.substring(0, half)) + "&limit=" + encoded(text.substring(half));
  }

  private void addBodies() {
    targets.put(
        "multipart",
        input ->
            head("POST", "/files/upload", "Content-Type: multipart/form-data; boundary=b", input));
    targets.put(
        "boundary",
        input ->
            joined(
                "POST /files/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nContent-Type: ",
                input,
                "\r\n\r\n--b\r\n\r\nx\n"));
    targets.put("metadata", this::upload);
    targets.put("permissions", input -> request("POST", "/files/permissions", input));
    targets.put("mkdir", input -> request("POST", "/directories", input));
    targets.put("move", input -> request("POST", "/files/mv", input));
    targets.put("replace", input -> request("POST", "/files/replace?verbose=true", input));
    targets.put("tar", input -> request("POST", "/archive?path=" + root + "/unpacked", input));
    targets.put(
        "gzip", input -> request("POST", "/archive?path=" + root + "/unpacked", compressed(input)));
  }

  private byte[] upload(byte[] input) {
    byte[] form =
        joined(
            "--b\r\nContent-Disposition: form-data; name=metadata; filename=m\r\n\r\n",
            input,
            "\r\n--b\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\nx\r\n--b--\r\n");
    return head("POST", "/files/upload", "Content-Type: multipart/form-data; boundary=b", form);
  }

  private static byte[] compressed(byte[] input) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(input);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    byte[] bytes = out.toByteArray();
    bytes[bytes.length - 9 % bytes.length] ^= (byte) (input.length % 3);
    return bytes;
  }

  private void addExecutions() {
    targets.put("command", input -> request("POST", "/command", withoutFolder(input)));
    targets.put("argv", input -> request("POST", "/command", json("argv", input)));
    targets.put("folder", input -> request("POST", "/command", member("cwd", input)));
    targets.put(
        "idempotency-key",
        input -> head("POST", "/command", header("Idempotency-Key", input), "{\"command\":\"x\"}"));
    targets.put(
        "last-event-id",
        input -> joined("GET /command/c/events HTTP/1.1\r\nLast-Event-ID: ", input, "\r\n\r\n"));
    targets.put("cursor", input -> get("/command/c/logs?cursor=" + encoded(input)));
    targets.put("session", input -> request("POST", "/session", withoutFolder(input)));
    targets.put("session-run", input -> request("POST", "/session/s/run", input));
    targets.put("code", input -> request("POST", "/code", withoutFolder(input)));
    targets.put("code-context", input -> request("POST", "/code/context", withoutFolder(input)));
    targets.put(
        "interrupt", input -> request("DELETE", "/command?id=" + encoded(input), new byte[0]));
    targets.put("env-file", this::envFile);
    targets.put("isolated", input -> request("POST", "/v1/isolated/session", withoutFolder(input)));
  }

  private byte[] envFile(byte[] input) {
    try {
      Files.write(envFile, input);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return request("POST", "/command", "{\"command\":\"x\"}".getBytes(StandardCharsets.US_ASCII));
  }

  private void addFrames() {
    targets.put("terminal", input -> request("POST", "/pty", withoutFolder(input)));
    targets.put(
        "frames", input -> joined("GET /echo HTTP/1.1\r\n" + HANDSHAKE + "\r\n", input, ""));
    targets.put(
        "terminal-frames",
        input -> joined("GET /pty/t/ws HTTP/1.1\r\n" + HANDSHAKE + "\r\n", framed(input), ""));
    targets.put(
        "terminal-query",
        input -> joined("GET /pty/t/ws?", input, " HTTP/1.1\r\n" + HANDSHAKE + "\r\n"));
  }

  /// A masked frame of text, or a binary one for an input whose first byte is no letter.
  private static byte[] framed(byte[] input) {
    int length = Math.min(input.length, 65535);
    boolean text = length > 0 && input[0] >= '"';
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(text ? 0x81 : 0x82);
    out.write(0x80 | 126);
    out.write(length >>> 8);
    out.write(length);
    out.writeBytes(new byte[4]); // a mask of zeros changes nothing
    out.write(input, 0, length);
    return out.toByteArray();
  }

  /// No folders are made outside of the test's: members that name one get another name.
  private static byte[] withoutFolder(byte[] input) {
    byte[] output = input.clone();
    for (int i = 0; i + 2 < output.length; i++) {
      if ((output[i] | 32) == 'c' && (output[i + 1] | 32) == 'w' && (output[i + 2] | 32) == 'd') {
        output[i + 1] = 'x';
      }
    }
    return output;
  }

  private static byte[] json(String name, byte[] value) {
    return joined("{\"" + name + "\":", value, "}");
  }

  private static byte[] member(String name, byte[] text) {
    String escaped =
        new String(text, StandardCharsets.UTF_8)
            .replace("\\", "\\\\")
            .replace("\"", "\\\"")
            .replaceAll("\\p{Cntrl}", "\\\\u0000");
    return ("{\"command\":\"x\",\"" + name + "\":\"" + escaped + "\"}")
        .getBytes(StandardCharsets.UTF_8);
  }

  private static String header(String name, byte[] value) {
    return name + ": " + new String(value, StandardCharsets.ISO_8859_1);
  }

  private static String encoded(byte[] input) {
    StringBuilder encoded = new StringBuilder();
    for (byte b : input) {
      encoded.append('%').append(String.format("%02x", b));
    }
    return encoded.toString();
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private static byte[] get(String target) {
    return joined("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n", new byte[0], "");
  }

  private static byte[] line(String method, String path, byte[] query) {
    return joined(method + " " + path + "?", query, " HTTP/1.1\r\nHost: x\r\n\r\n");
  }

  private static byte[] request(String method, String target, byte[] body) {
    return joined(
        method
            + " "
            + target
            + " HTTP/1.1\r\nHost: x\r\nContent-Length: "
            + body.length
            + "\r\n\r\n",
        body,
        "");
  }

  private static byte[] head(String method, String target, String header, String body) {
    return head(method, target, header, body.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] head(String method, String target, String header, byte[] body) {
    String length = header.contains("chunked") ? "" : "Content-Length: " + body.length + "\r\n";
    return joined(
        method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + length + header + "\r\n\r\n",
        body,
        "");
  }

  private static byte[] joined(String before, byte[] input, String after) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(before.getBytes(StandardCharsets.ISO_8859_1));
    out.writeBytes(input);
    out.writeBytes(after.getBytes(StandardCharsets.ISO_8859_1));
    return out.toByteArray();
  }
}
