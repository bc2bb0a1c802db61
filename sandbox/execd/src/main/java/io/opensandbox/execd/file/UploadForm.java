package io.opensandbox.execd.file;

import io.opensandbox.execd.http.MultipartException;
import io.opensandbox.execd.http.MultipartReader;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The pairs of one upload so far. A file part that comes after its metadata is staged beside its
/// target; one that comes first is staged in the spare directory and copied at the end.
final class UploadForm implements AutoCloseable {
  private final Leftovers.Staging staging;
  private final NewOwner owner;
  private final List<FileUpload.Metadata> metadata = new ArrayList<>();
  private final List<StagedFile> files = new ArrayList<>();

  UploadForm(Leftovers.Staging staging, NewOwner owner) {
    this.staging = staging;
    this.owner = owner;
  }

  void addMetadata(FileUpload.Metadata item) {
    metadata.add(item);
  }

  void addFile(MultipartReader.Part part) throws IOException {
    int index = files.size();
    boolean placed = index < metadata.size();
    Path path = placed ? metadata.get(index).path() : TemporaryNames.in(staging.spare());
    try {
      StagedFile file = StagedFile.open(path, staging);
      files.add(file);
      part.transferTo(file::write);
      file.endWriting();
    } catch (MultipartException e) {
      throw e;
    } catch (IOException e) {
      throw FileErrors.failed("error writing file", path, e);
    }
  }

  /// Checks that every file has its metadata and the other way round.
  void requirePairs() {
    if (metadata.isEmpty()) {
      throw new ExecdException(
          ErrorCode.INVALID_FILE_METADATA, "metadata file is missing from the form");
    }
    if (files.isEmpty()) {
      throw new ExecdException(ErrorCode.INVALID_FILE_CONTENT, "file is missing from the form");
    }
    if (files.size() != metadata.size()) {
      throw new ExecdException(
          ErrorCode.INVALID_FILE,
          "metadata and file count mismatch: %d and %d".formatted(metadata.size(), files.size()));
    }
  }

  /// Puts all files in place, in the order of the form.
  void commit() {
    for (int i = 0; i < files.size(); i++) {
      FileUpload.Metadata item = metadata.get(i);
      try {
        owner.createDirectories(files.get(i).parent());
        files.get(i).commitTo(item.path(), item.permissions(), staging);
      } catch (IOException e) {
        throw FileErrors.failed("error writing file", item.path(), e);
      }
    }
  }

  /// Removes what was not put in place.
  @Override
  public void close() throws IOException {
    IOException failure = null;
    for (StagedFile file : files) {
      try {
        file.close();
      } catch (IOException e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
