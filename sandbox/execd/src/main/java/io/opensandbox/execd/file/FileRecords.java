package io.opensandbox.execd.file;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.path.PathView;
import io.opensandbox.protocol.execd.FileInfo;
import java.nio.file.Path;

/// Makes and writes [FileInfo] records for one request.
public final class FileRecords {
  private final PathView paths;
  private final OwnerNames owners;
  private final FileTimes times;

  /// Records with names from these accounts.
  public FileRecords(PathView paths, AccountDatabase accounts, FileTimes times) {
    this.paths = paths;
    this.owners = new OwnerNames(accounts);
    this.times = times;
  }

  /// The record of a path.
  public FileInfo of(Path path, FileStatus status) {
    return new FileInfo(
        paths.display(path),
        status.type(),
        status.size(),
        times.format(status.modified()),
        times.format(status.changed()),
        owners.user(status.uid()),
        owners.group(status.gid()),
        FileMode.toWire(status.mode()));
  }

  /// Writes a record as a JSON object.
  public static void write(JsonWriter json, FileInfo info) {
    json.beginObject()
        .field("path", info.path())
        .field("type", info.type())
        .field("size", info.size())
        .field("modified_at", info.modifiedAt())
        .field("created_at", info.createdAt())
        .field("owner", info.owner())
        .field("group", info.group())
        .field("mode", info.mode())
        .endObject();
  }
}
