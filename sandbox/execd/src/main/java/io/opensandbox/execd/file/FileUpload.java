package io.opensandbox.execd.file;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import io.opensandbox.execd.http.MultipartException;
import io.opensandbox.execd.http.MultipartReader;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.path.PathView;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/// `POST /files/upload`: a form of `metadata` and `file` parts, paired by their order. All contents
/// go to temporaries while the form is read; files change only once the whole form has been read
/// and found good.
final class FileUpload implements Handler {
  private static final int MAX_METADATA_BYTES = 64 * 1024;

  private final PathView paths;
  private final AccountDatabase accounts;
  private final FileLimits limits;
  private final Leftovers leftovers;
  private final NewOwner owner;

  FileUpload(
      PathView paths,
      AccountDatabase accounts,
      FileLimits limits,
      Leftovers leftovers,
      NewOwner owner) {
    this.paths = paths;
    this.accounts = accounts;
    this.limits = limits;
    this.leftovers = leftovers;
    this.owner = owner;
  }

  /// Where a file goes and what it is to be.
  record Metadata(Path path, Permissions permissions) {}

  @Override
  public void handle(Exchange exchange) throws IOException {
    try (Leftovers.Staging staging = leftovers.begin();
        UploadForm form = new UploadForm(staging, owner)) {
      read(exchange, form);
      form.requirePairs();
      form.commit();
    }
    exchange.respondEmpty(200);
  }

  private void read(Exchange exchange, UploadForm form) throws IOException {
    try {
      MultipartReader reader = MultipartReader.of(exchange.headers(), exchange.body());
      int parts = 0;
      for (Optional<MultipartReader.Part> part = reader.next();
          part.isPresent();
          part = reader.next()) {
        if (++parts > limits.uploadParts()) {
          throw new ExecdException(
              ErrorCode.INVALID_FILE,
              "the form has more than " + limits.uploadParts() + " parts; send several requests");
        }
        accept(part.get(), form);
      }
    } catch (MultipartException e) {
      throw new ExecdException(
          ErrorCode.INVALID_FILE, "multipart form is empty or malformed: " + e.reason(), e);
    }
  }

  /// Only parts with a file name count, for the metadata too; every published client sends one.
  private void accept(MultipartReader.Part part, UploadForm form) throws IOException {
    if (part.fileName().isEmpty()) {
      return;
    }
    switch (part.name()) {
      case "metadata" -> form.addMetadata(metadata(part));
      case "file" -> form.addFile(part);
      default -> {}
    }
  }

  private Metadata metadata(MultipartReader.Part part) throws IOException {
    byte[] text;
    try {
      text = part.readAll(MAX_METADATA_BYTES);
    } catch (MultipartException e) {
      throw new ExecdException(ErrorCode.INVALID_FILE_METADATA, e.reason(), e);
    }
    JsonObject json;
    Permissions permissions;
    String path;
    try {
      json = JsonParser.parseObject(text);
      permissions = owner.complete(Permissions.parse(json, accounts));
      path = json.stringOrEmpty("path");
    } catch (ExecdException e) {
      throw new ExecdException(
          ErrorCode.INVALID_FILE_METADATA, "invalid metadata: " + e.getMessage(), e);
    }
    if (path.isEmpty()) {
      throw new ExecdException(
          ErrorCode.INVALID_FILE_METADATA, "invalid metadata: field \"path\" must not be empty");
    }
    return new Metadata(paths.expand(path), permissions);
  }
}
