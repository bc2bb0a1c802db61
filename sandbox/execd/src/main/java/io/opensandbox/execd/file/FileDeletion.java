package io.opensandbox.execd.file;

import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import io.opensandbox.execd.path.PathView;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/// `DELETE /files?path=…`: removes files and links one after the other; the first failure ends it.
final class FileDeletion implements Handler {
  private final PathView paths;

  FileDeletion(PathView paths) {
    this.paths = paths;
  }

  @Override
  public void handle(Exchange exchange) throws IOException {
    for (String text : exchange.query().all("path")) {
      delete(paths.expand(text));
    }
    exchange.respondEmpty(200);
  }

  /// A missing file is as good as removed. A directory stays, and so does a link to one.
  static void delete(Path path) {
    if (Files.isDirectory(path)) {
      throw new ExecdException(
          ErrorCode.RUNTIME_ERROR,
          "error removing file \"" + path + "\": path is a directory; use DELETE /directories");
    }
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw FileErrors.failed("error removing file", path, e);
    }
  }
}
