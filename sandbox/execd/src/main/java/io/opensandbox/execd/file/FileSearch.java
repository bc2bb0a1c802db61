package io.opensandbox.execd.file;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import io.opensandbox.execd.http.Headers;
import io.opensandbox.execd.http.JsonResponses;
import io.opensandbox.execd.http.LazyBody;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.path.PathView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// `GET /files/search?path=&pattern=`: everything below a directory that is no directory and whose
/// base name matches, in the order of names. Entries that cannot be read are skipped. Links are
/// listed, not followed.
final class FileSearch implements Handler {
  private static final int FLUSH_BYTES = 16 * 1024;

  private final PathView paths;
  private final AccountDatabase accounts;
  private final FileTimes times;

  FileSearch(PathView paths, AccountDatabase accounts, FileTimes times) {
    this.paths = paths;
    this.accounts = accounts;
    this.times = times;
  }

  // The body is not closed when the walk fails: the failure must become the response.
  @Override
  @SuppressWarnings("resource")
  public void handle(Exchange exchange) throws IOException {
    Path root = paths.expand(RequiredQuery.of(exchange, "path"));
    String wanted = exchange.query().first("pattern").filter(text -> !text.isEmpty()).orElse("**");
    GlobPattern pattern = GlobPattern.compile(wanted);
    if (!Files.exists(root)) {
      throw FileErrors.notFound(root);
    }
    LazyBody body =
        new LazyBody(exchange, 200, Headers.of("Content-Type", JsonResponses.CONTENT_TYPE));
    Walk walk = new Walk(pattern, new FileRecords(paths, accounts, times), body);
    walk.visit(root);
    walk.end();
    body.close();
  }

  /// One search under way.
  private static final class Walk {
    private final GlobPattern pattern;
    private final FileRecords records;
    private final LazyBody out;
    private final JsonWriter json = new JsonWriter(FLUSH_BYTES + 4096).beginArray();

    Walk(GlobPattern pattern, FileRecords records, LazyBody out) {
      this.pattern = pattern;
      this.records = records;
      this.out = out;
    }

    void visit(Path path) throws IOException {
      FileStatus status;
      Iterable<Path> names;
      try {
        status = FileStatus.ofLink(path);
        names = status.isDirectory() ? FileTree.sortedNames(path) : java.util.List.of();
      } catch (IOException _) {
        return; // vanished or unreadable: the rest of the tree still counts
      }
      if (!status.isDirectory()) {
        offer(path, status);
        return;
      }
      for (Path name : names) {
        visit(path.resolve(name));
      }
    }

    private void offer(Path path, FileStatus status) throws IOException {
      if (!pattern.matches(String.valueOf(path.getFileName()))) {
        return;
      }
      FileRecords.write(json, records.of(path, status));
      if (json.size() >= FLUSH_BYTES) {
        json.drainTo(out);
      }
    }

    void end() throws IOException {
      json.endArray().drainTo(out);
    }
  }
}
