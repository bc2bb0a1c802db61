package io.opensandbox.execd.archive;

import io.opensandbox.execd.file.FileErrors;
import io.opensandbox.execd.file.RequiredQuery;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Headers;
import io.opensandbox.execd.http.JsonResponses;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.path.PathExpansion;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipException;

/// `GET /archive` and `POST /archive`.
public final class ArchiveRoutes {
  private static final int BUFFER_BYTES = 64 * 1024;

  private final PathExpansion paths;

  /// Routes over the whole file system.
  public ArchiveRoutes(PathExpansion paths) {
    this.paths = paths;
  }

  /// Adds the routes.
  public void register(Router router) {
    router.add("GET", "/archive", this::download).add("POST", "/archive", this::upload);
  }

  private void download(Exchange exchange) throws IOException {
    Path root = paths.expand(RequiredQuery.of(exchange, "path"));
    boolean gzip = isGzip(exchange.query().first("format").orElse("tar"));
    requireDirectory(root);
    Path real = realPath(root);
    Headers headers = Headers.of("Content-Type", gzip ? "application/gzip" : "application/x-tar");
    OutputStream out = exchange.startStream(200, headers, OptionalLong.empty());
    if (gzip) {
      GZIPOutputStream compressed = new GZIPOutputStream(out, BUFFER_BYTES);
      ArchiveWriting.write(real, compressed);
      compressed.finish();
    } else {
      ArchiveWriting.write(real, out);
    }
    out.close();
  }

  private static boolean isGzip(String format) {
    return switch (format) {
      case "tar" -> false;
      case "tar.gz", "tgz" -> true;
      case "tar.zst", "tar+zstd" ->
          throw new ExecdException(
              ErrorCode.NOT_SUPPORTED, "there is no zstd here; use format=tar.gz or tar");
      default ->
          throw new ExecdException(
              ErrorCode.INVALID_REQUEST_BODY,
              "query parameter 'format' must be tar or tar.gz, not \"" + format + "\"");
    };
  }

  private static void requireDirectory(Path root) {
    if (!Files.exists(root)) {
      throw FileErrors.notFound(root);
    }
    if (!Files.isDirectory(root)) {
      throw new ExecdException(
          ErrorCode.INVALID_REQUEST_BODY, "\"" + root + "\" is not a directory");
    }
  }

  private static Path realPath(Path root) {
    try {
      return root.toRealPath();
    } catch (IOException e) {
      throw FileErrors.of("error opening directory", root, e);
    }
  }

  private void upload(Exchange exchange) throws IOException {
    Path root = paths.expand(RequiredQuery.of(exchange, "path"));
    Extraction.Summary summary;
    try {
      Files.createDirectories(root);
      TarReader tar = new TarReader(decompressed(exchange.body()));
      summary = Extraction.extract(tar, root.toRealPath());
    } catch (TarException | ZipException | EOFException e) {
      throw new ExecdException(
          ErrorCode.INVALID_FILE, "cannot unpack the archive: " + e.getMessage(), e);
    } catch (IOException e) {
      throw FileErrors.failed("error unpacking into", root, e);
    }
    JsonResponses.send(
        exchange,
        200,
        new JsonWriter()
            .beginObject()
            .field("entries", summary.entries())
            .field("bytes", summary.bytes())
            .endObject());
  }

  private static InputStream decompressed(InputStream body) throws IOException {
    BufferedInputStream in = new BufferedInputStream(body, BUFFER_BYTES);
    in.mark(2);
    boolean gzip = in.read() == 0x1f && in.read() == 0x8b;
    in.reset();
    return gzip ? new GZIPInputStream(in, BUFFER_BYTES) : in;
  }
}
