package io.opensandbox.execd.file;

import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import io.opensandbox.execd.http.JsonResponses;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.path.PathView;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// `POST /files/replace`: `{path: {old, new}}`, every occurrence of a literal text, byte by byte. A
/// file without an occurrence is left alone.
final class FileReplacement implements Handler {
  private final PathView paths;
  private final long bodyLimit;
  private final Leftovers leftovers;

  FileReplacement(PathView paths, long bodyLimit, Leftovers leftovers) {
    this.paths = paths;
    this.bodyLimit = bodyLimit;
    this.leftovers = leftovers;
  }

  @Override
  public void handle(Exchange exchange) throws IOException {
    JsonObject body = JsonParser.parseObject(exchange.readBody(bodyLimit));
    Map<String, Long> counts = new LinkedHashMap<>();
    for (String text : body.members().keySet()) {
      JsonObject item = body.object(text).orElse(JsonObject.EMPTY);
      counts.put(text, replace(paths.expand(text), item));
    }
    if (exchange.query().first("verbose").orElse("").equals("true")) {
      JsonWriter json = new JsonWriter().beginObject();
      counts.forEach(
          (text, count) -> json.name(text).beginObject().field("replacedCount", count).endObject());
      JsonResponses.send(exchange, 200, json.endObject());
    } else {
      exchange.respondEmpty(200);
    }
  }

  private long replace(Path path, JsonObject item) {
    try {
      FileStatus status = FileStatus.of(path);
      byte[] old = item.stringOrEmpty("old").getBytes(StandardCharsets.UTF_8);
      byte[] replacement = item.stringOrEmpty("new").getBytes(StandardCharsets.UTF_8);
      if (old.length == 0) {
        throw new ExecdException(
            ErrorCode.INVALID_REQUEST_BODY, "old content must not be empty: \"" + path + "\"");
      }
      if (!status.isRegular()) {
        throw new IOException("not a regular file but of type " + status.type());
      }
      return replace(path, old, replacement);
    } catch (IOException e) {
      throw FileErrors.of("error replacing content of", path, e);
    }
  }

  private long replace(Path path, byte[] old, byte[] replacement) throws IOException {
    try (InputStream in = Files.newInputStream(path);
        Leftovers.Staging staging = leftovers.begin();
        StagedFile staged = StagedFile.open(path, staging)) {
      long count = ByteReplacement.copy(in, old, replacement, staged::write);
      if (count > 0) {
        staged.commit(new Permissions(0, Permissions.UNCHANGED, Permissions.UNCHANGED));
      }
      return count;
    }
  }
}
