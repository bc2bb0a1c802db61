package io.opensandbox.execd.file;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import io.opensandbox.execd.http.JsonResponses;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.path.PathView;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashSet;

/// `GET /files/info?path=…`: records keyed by the paths as they were asked for. Links are not
/// followed; the first failure is the answer.
final class FileInformation implements Handler {
  private final PathView paths;
  private final AccountDatabase accounts;
  private final FileTimes times;

  FileInformation(PathView paths, AccountDatabase accounts, FileTimes times) {
    this.paths = paths;
    this.accounts = accounts;
    this.times = times;
  }

  @Override
  public void handle(Exchange exchange) throws IOException {
    FileRecords records = new FileRecords(paths, accounts, times);
    JsonWriter json = new JsonWriter().beginObject();
    for (String text : new LinkedHashSet<>(exchange.query().all("path"))) {
      Path path = paths.expand(text);
      FileRecords.write(json.name(text), records.of(path, statusOf(path)));
    }
    JsonResponses.send(exchange, 200, json.endObject());
  }

  private static FileStatus statusOf(Path path) {
    try {
      return FileStatus.ofLink(path);
    } catch (IOException e) {
      throw FileErrors.of("error accessing file", path, e);
    }
  }
}
