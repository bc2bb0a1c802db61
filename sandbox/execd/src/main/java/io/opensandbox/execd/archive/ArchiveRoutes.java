package io.opensandbox.execd.archive;

import io.opensandbox.execd.file.FileErrors;
import io.opensandbox.execd.file.Leftovers;
import io.opensandbox.execd.file.RequiredQuery;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Headers;
import io.opensandbox.execd.http.JsonResponses;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.path.PathView;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipException;

/// `GET /archive` and `POST /archive`.
public final class ArchiveRoutes {
  private static final int BUFFER_BYTES = 64 * 1024;
  private static final int MAGIC_BYTES = 4;

  /// RFC 8878, section 3.1.1.
  private static final byte[] ZSTD_MAGIC = {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd};

  private final PathView paths;
  private final Zstd zstd;
  private final Leftovers leftovers;

  /// Routes over the whole file system.
  ///
  /// @param leftovers where temporaries are noted
  public ArchiveRoutes(PathView paths, Zstd zstd, Leftovers leftovers) {
    this.paths = paths;
    this.zstd = zstd;
    this.leftovers = leftovers;
  }

  /// How an archive is compressed.
  private enum Format {
    TAR("application/x-tar"),
    GZIP("application/gzip"),
    ZSTD("application/zstd");

    private final String type;

    Format(String type) {
      this.type = type;
    }
  }

  /// Adds the routes.
  public void register(Router router) {
    router.add("GET", "/archive", this::download).add("POST", "/archive", this::upload);
  }

  private void download(Exchange exchange) throws IOException {
    Path root = paths.expand(RequiredQuery.of(exchange, "path"));
    Format format = format(exchange.query().first("format").orElse("tar"));
    requireDirectory(root);
    Path real = realPath(root);
    OutputStream out =
        exchange.startStream(200, Headers.of("Content-Type", format.type), OptionalLong.empty());
    switch (format) {
      case TAR -> ArchiveWriting.write(real, out);
      case GZIP -> {
        GZIPOutputStream compressed = new GZIPOutputStream(out, BUFFER_BYTES);
        ArchiveWriting.write(real, compressed);
        compressed.finish();
      }
      case ZSTD -> {
        try (OutputStream compressed =
            new BufferedOutputStream(zstd.compressing(out), BUFFER_BYTES)) {
          ArchiveWriting.write(real, compressed);
        }
      }
    }
    out.close();
  }

  private Format format(String name) {
    Format format =
        switch (name) {
          case "tar" -> Format.TAR;
          case "tar.gz", "tgz", "tar+gzip" -> Format.GZIP;
          case "tar.zst", "tzst", "tar+zstd" -> Format.ZSTD;
          default ->
              throw new ExecdException(
                  ErrorCode.INVALID_REQUEST_BODY,
                  "query parameter 'format' must be tar, tar.gz or tar.zst, not \"" + name + "\"");
        };
    if (format == Format.ZSTD) {
      requireZstd();
    }
    return format;
  }

  private void requireZstd() {
    if (!zstd.isAvailable()) {
      throw new ExecdException(ErrorCode.NOT_SUPPORTED, "there is no zstd here; use tar.gz or tar");
    }
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
      try (InputStream in = decompressed(exchange.body());
          Leftovers.Staging staging = leftovers.begin()) {
        summary = Extraction.extract(new TarReader(in), root.toRealPath(), staging);
      }
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

  /// Tells the compression by the first bytes, whatever the request says.
  private InputStream decompressed(InputStream body) throws IOException {
    BufferedInputStream in = new BufferedInputStream(body, BUFFER_BYTES);
    in.mark(MAGIC_BYTES);
    byte[] magic = in.readNBytes(MAGIC_BYTES);
    in.reset();
    if (magic.length >= 2 && magic[0] == 0x1f && magic[1] == (byte) 0x8b) {
      return new GZIPInputStream(in, BUFFER_BYTES);
    }
    if (Arrays.equals(magic, ZSTD_MAGIC)) {
      requireZstd();
      return zstd.decompressing(in);
    }
    return in;
  }
}
