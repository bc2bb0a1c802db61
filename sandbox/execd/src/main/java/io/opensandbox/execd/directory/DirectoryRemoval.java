package io.opensandbox.execd.directory;

import io.opensandbox.execd.file.FileErrors;
import io.opensandbox.execd.file.FileTree;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import io.opensandbox.execd.path.PathView;
import java.io.IOException;
import java.nio.file.Path;

/// `DELETE /directories?path=…`: removes trees (and plain files), one after the other. Missing is
/// fine, an empty text is passed over.
final class DirectoryRemoval implements Handler {
  private final PathView paths;

  DirectoryRemoval(PathView paths) {
    this.paths = paths;
  }

  @Override
  public void handle(Exchange exchange) throws IOException {
    for (String text : exchange.query().all("path")) {
      if (!text.isEmpty()) {
        remove(paths.expand(text));
      }
    }
    exchange.respondEmpty(200);
  }

  private static void remove(Path path) {
    try {
      FileTree.delete(path);
    } catch (IOException e) {
      throw FileErrors.failed("error removing directory", path, e);
    }
  }
}
