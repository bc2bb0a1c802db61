package io.opensandbox.execd.directory;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.file.FileErrors;
import io.opensandbox.execd.file.FileRecords;
import io.opensandbox.execd.file.FileStatus;
import io.opensandbox.execd.file.FileTimes;
import io.opensandbox.execd.file.FileTree;
import io.opensandbox.execd.file.RequiredQuery;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import io.opensandbox.execd.http.Headers;
import io.opensandbox.execd.http.JsonResponses;
import io.opensandbox.execd.http.LazyBody;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.path.PathView;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// `GET /directories/list?path=&depth=`: what a directory holds, each entry before what it holds
/// itself, ordered by name. Links are listed, not followed; entries that cannot be read are
/// skipped.
final class DirectoryListing implements Handler {
  private static final int FLUSH_BYTES = 16 * 1024;

  private final PathView paths;
  private final AccountDatabase accounts;
  private final FileTimes times;

  DirectoryListing(PathView paths, AccountDatabase accounts, FileTimes times) {
    this.paths = paths;
    this.accounts = accounts;
    this.times = times;
  }

  // The body is not closed when the walk fails: the failure must become the response.
  @Override
  @SuppressWarnings("resource")
  public void handle(Exchange exchange) throws IOException {
    Path root = paths.expand(RequiredQuery.of(exchange, "path"));
    long depth = exchange.query().first("depth").map(DirectoryListing::depth).orElse(1L);
    List<Path> names = namesIn(root);
    LazyBody body =
        new LazyBody(exchange, 200, Headers.of("Content-Type", JsonResponses.CONTENT_TYPE));
    Walk walk = new Walk(new FileRecords(paths, accounts, times), body);
    walk.list(root, depth > 0 ? names : List.of(), depth);
    walk.end();
    body.close();
  }

  private static long depth(String text) {
    long depth;
    try {
      depth = Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new ExecdException(ErrorCode.INVALID_REQUEST_BODY, depthMessage(text), e);
    }
    if (depth < 0) {
      throw new ExecdException(ErrorCode.INVALID_REQUEST_BODY, depthMessage(text));
    }
    return depth;
  }

  private static String depthMessage(String text) {
    return "invalid query parameter 'depth': must be an integer >= 0, not \"" + text + "\"";
  }

  private static List<Path> namesIn(Path root) {
    try {
      FileStatus status = FileStatus.ofLink(root);
      if (!status.isDirectory()) {
        throw new ExecdException(
            ErrorCode.INVALID_REQUEST_BODY,
            "cannot list \"" + root + "\": it is not a directory but of type " + status.type());
      }
      return FileTree.sortedNames(root);
    } catch (IOException e) {
      throw FileErrors.of("error listing directory", root, e);
    }
  }

  /// One listing under way.
  private static final class Walk {
    private final FileRecords records;
    private final LazyBody out;
    private final JsonWriter json = new JsonWriter(FLUSH_BYTES + 4096).beginArray();

    Walk(FileRecords records, LazyBody out) {
      this.records = records;
      this.out = out;
    }

    void list(Path directory, List<Path> names, long depth) throws IOException {
      for (Path name : names) {
        Path path = directory.resolve(name);
        FileStatus status;
        List<Path> inner = List.of();
        try {
          status = FileStatus.ofLink(path);
          if (status.isDirectory() && depth > 1) {
            inner = FileTree.sortedNames(path);
          }
        } catch (IOException _) {
          continue; // vanished or unreadable: the others still count
        }
        FileRecords.write(json, records.of(path, status));
        if (json.size() >= FLUSH_BYTES) {
          json.drainTo(out);
        }
        list(path, inner, depth - 1);
      }
    }

    void end() throws IOException {
      json.endArray().drainTo(out);
    }
  }
}
