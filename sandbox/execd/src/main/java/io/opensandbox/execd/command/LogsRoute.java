package io.opensandbox.execd.command;

import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import io.opensandbox.execd.http.Headers;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;

/// `GET /command/{id}/logs?cursor=`: the output of a background command from a byte offset on.
final class LogsRoute implements Handler {
  private static final int BLOCK_BYTES = 64 << 10;

  private final CommandLog log;

  LogsRoute(CommandLog log) {
    this.log = log;
  }

  @Override
  public void handle(Exchange exchange) throws IOException {
    String id = exchange.pathParameter("id");
    Command command = log.find(id).orElseThrow(() -> refusal("command not found: " + id));
    if (!command.isBackground()) {
      throw refusal("command " + id + " is not running in background");
    }
    long cursor = cursor(exchange.query().first("cursor").orElse(""));
    try (Journal.Reader reader = command.journal().readerAt(cursor)) {
      send(exchange, command.journal(), reader, cursor);
    }
  }

  private static void send(Exchange exchange, Journal journal, Journal.Reader reader, long cursor)
      throws IOException {
    long from = reader.position();
    long end = journal.end();
    byte[] notice = notice(from - cursor);
    Headers headers =
        Headers.of("Content-Type", "text/plain; charset=utf-8")
            .set("EXECD-COMMANDS-TAIL-CURSOR", Long.toString(Math.max(end, cursor)));
    if (journal.hasFailed()) {
      headers.set("EXECD-COMMANDS-OUTPUT-LOST", "true");
    }
    long bytes = notice.length + end - from;
    // The JavaScript SDKs take "Content-Length: 0" for an answer without text and throw.
    OptionalLong length = bytes == 0 ? OptionalLong.empty() : OptionalLong.of(bytes);
    try (OutputStream out = exchange.startStream(200, headers, length)) {
      out.write(notice);
      var block = new byte[(int) Math.min(BLOCK_BYTES, Math.max(1, end - from))];
      for (long left = end - from; left > 0; ) {
        int count = (int) Math.min(left, reader.read(block));
        if (count == 0) {
          throw new IOException("the output was dropped while it was read");
        }
        out.write(block, 0, count);
        left -= count;
      }
    }
  }

  private static byte[] notice(long dropped) {
    String text =
        dropped > 0 ? "[execd: " + dropped + " bytes of older output were dropped]\n" : "";
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static long cursor(String text) {
    long cursor;
    try {
      cursor = Long.parseLong(text);
    } catch (NumberFormatException _) { // historic: whatever is no number is the beginning
      return 0;
    }
    if (cursor < 0) {
      throw refusal("\"cursor\" must be 0 or more, not " + cursor);
    }
    return cursor;
  }

  private static ExecdException refusal(String message) {
    return new ExecdException(ErrorCode.INVALID_REQUEST_BODY, message);
  }
}
