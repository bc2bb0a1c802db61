package io.opensandbox.execd.file;

import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import io.opensandbox.execd.http.Headers;
import io.opensandbox.execd.http.HttpDate;
import io.opensandbox.execd.http.JsonResponses;
import io.opensandbox.execd.http.LazyBody;
import io.opensandbox.execd.http.PercentCoding;
import io.opensandbox.execd.path.PathView;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/// `GET /files/download?path=`: a file's bytes, whole or one range of them, or a window of its
/// lines.
final class FileDownload implements Handler {
  private final PathView paths;

  FileDownload(PathView paths) {
    this.paths = paths;
  }

  @Override
  public void handle(Exchange exchange) throws IOException {
    Path path = paths.expand(RequiredQuery.of(exchange, "path"));
    LineQuery lines = LineQuery.of(exchange);
    FileStatus status = statusOf(path);
    try (FileChannel file = open(path)) {
      if (lines.isPresent()) {
        sendLines(exchange, file, lines);
      } else {
        sendBytes(exchange, path, file, status);
      }
    }
  }

  private static FileStatus statusOf(Path path) {
    FileStatus status;
    try {
      status = FileStatus.of(path);
    } catch (IOException e) {
      throw FileErrors.of("error accessing file", path, e);
    }
    if (!status.isRegular()) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY,
          "cannot download \""
              + path
              + "\": it is not a regular file but of type "
              + status.type());
    }
    return status;
  }

  private static FileChannel open(Path path) {
    try {
      return FileChannel.open(path, StandardOpenOption.READ);
    } catch (IOException e) {
      throw FileErrors.of("error opening file", path, e);
    }
  }

  /// The window of lines that a request asks for.
  private record LineQuery(boolean isPresent, long offset, long limit) {
    static LineQuery of(Exchange exchange) {
      Optional<String> offset = exchange.query().first("offset").filter(text -> !text.isEmpty());
      Optional<String> limit = exchange.query().first("limit").filter(text -> !text.isEmpty());
      boolean present = offset.isPresent() || limit.isPresent();
      if (present && exchange.headers().has("Range")) {
        throw new ExecdException(
            ErrorCode.INVALID_REQUEST_BODY,
            "query parameters \"offset\" and \"limit\" cannot be combined with a Range header");
      }
      return new LineQuery(
          present,
          offset.map(text -> positive("offset", text)).orElse(1L),
          limit.map(text -> positive("limit", text)).orElse(Long.MAX_VALUE));
    }

    private static long positive(String name, String text) {
      long value;
      try {
        value = Long.parseLong(text);
      } catch (NumberFormatException e) {
        throw new ExecdException(ErrorCode.INVALID_REQUEST_BODY, message(name, text), e);
      }
      if (value < 1) {
        throw new ExecdException(ErrorCode.INVALID_REQUEST_BODY, message(name, text));
      }
      return value;
    }

    private static String message(String name, String text) {
      return "invalid query parameter '"
          + name
          + "': must be an integer >= 1, not \""
          + text
          + "\"";
    }
  }

  // The body is not closed when copying fails: the failure must become the response.
  @SuppressWarnings("resource")
  private static void sendLines(Exchange exchange, FileChannel file, LineQuery lines)
      throws IOException {
    InputStream in = Channels.newInputStream(file);
    LazyBody body =
        new LazyBody(exchange, 200, Headers.of("Content-Type", "text/plain; charset=utf-8"));
    LineWindow.copy(in, lines.offset, lines.limit, body);
    body.close();
  }

  private static void sendBytes(Exchange exchange, Path path, FileChannel file, FileStatus status)
      throws IOException {
    long modified = status.modified().to(TimeUnit.SECONDS);
    Headers headers =
        new Headers()
            .add("Content-Type", "application/octet-stream")
            .add("Content-Disposition", disposition(path))
            .add("Accept-Ranges", "bytes")
            .add("Last-Modified", HttpDate.format(modified));
    if (isUnmodified(exchange, modified)) {
      exchange.respond(304, headers.remove("Content-Type"), new byte[0]);
      return;
    }
    long size = file.size();
    if (size == 0) {
      sendUnsized(exchange, file, headers);
      return;
    }
    Optional<String> range =
        exchange.headers().first("Range").filter(_ -> mayUseRange(exchange, modified));
    if (range.isEmpty()) {
      exchange.respondFile(200, headers, file, 0, size);
    } else {
      sendRange(exchange, file, headers, range.get(), size);
    }
  }

  /// Files of the kernel (`/proc`, `/sys`) say that they are empty and are not.
  @SuppressWarnings("resource")
  private static void sendUnsized(Exchange exchange, FileChannel file, Headers headers)
      throws IOException {
    LazyBody body = new LazyBody(exchange, 200, headers);
    Channels.newInputStream(file).transferTo(body);
    body.close();
  }

  private static void sendRange(
      Exchange exchange, FileChannel file, Headers headers, String range, long size)
      throws IOException {
    switch (ByteRange.parse(range, size)) {
      case ByteRange.Satisfiable(long start, long length) -> {
        headers.add("Content-Range", "bytes " + start + "-" + (start + length - 1) + "/" + size);
        exchange.respondFile(206, headers, file, start, length);
      }
      case ByteRange.Unsatisfiable() ->
          refuseRange(exchange, size, "the range lies beyond the end of the file");
      case ByteRange.Malformed() ->
          refuseRange(exchange, size, "malformed Range header: \"" + range + "\"");
    }
  }

  private static void refuseRange(Exchange exchange, long size, String message) throws IOException {
    JsonResponses.sendError(
        exchange,
        ErrorCode.RANGE_NOT_SATISFIABLE,
        message,
        Headers.of("Content-Range", "bytes */" + size));
  }

  private static boolean isUnmodified(Exchange exchange, long modified) {
    if (exchange.headers().has("If-None-Match")) {
      return false;
    }
    OptionalLong since =
        exchange
            .headers()
            .first("If-Modified-Since")
            .map(HttpDate::parse)
            .orElse(OptionalLong.empty());
    return since.isPresent() && modified <= since.getAsLong();
  }

  /// With `If-Range`, a range counts only for exactly the version that the client has.
  private static boolean mayUseRange(Exchange exchange, long modified) {
    Optional<String> condition = exchange.headers().first("If-Range");
    if (condition.isEmpty()) {
      return true;
    }
    OptionalLong version = HttpDate.parse(condition.get());
    return version.isPresent() && version.getAsLong() == modified;
  }

  private static String disposition(Path path) {
    String name = String.valueOf(path.getFileName());
    boolean ascii = name.chars().allMatch(c -> c >= ' ' && c < 0x7f);
    if (ascii) {
      String escaped = name.replace("\\", "\\\\").replace("\"", "\\\"");
      return "attachment; filename=\"" + escaped + "\"";
    }
    String encoded = PercentCoding.encode(name);
    return "attachment; filename=\"" + encoded + "\"; filename*=UTF-8''" + encoded;
  }
}
