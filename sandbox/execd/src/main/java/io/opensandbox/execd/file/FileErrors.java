package io.opensandbox.execd.file;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/// Turns a failed file operation into the contract's error.
public final class FileErrors {
  private FileErrors() {}

  /// The error for a failed operation; a missing file is `FILE_NOT_FOUND`, a full disk 507.
  ///
  /// @param action what was tried, for example `error accessing file`
  public static ExecdException of(String action, Path path, IOException cause) {
    if (isMissing(cause)) {
      return notFound(path, cause);
    }
    return failed(action, path, cause);
  }

  /// The same, but a missing file is a `RUNTIME_ERROR` like the rest.
  public static ExecdException failed(String action, Path path, IOException cause) {
    return new ExecdException(code(cause), action + " \"" + path + "\": " + reason(cause), cause);
  }

  /// The error for a path that is not there.
  public static ExecdException notFound(Path path) {
    return new ExecdException(ErrorCode.FILE_NOT_FOUND, "file not found: \"" + path + "\"");
  }

  static boolean isMissing(IOException cause) {
    return cause instanceof NoSuchFileException
        || cause instanceof NotDirectoryException
        || reason(cause).equals("Not a directory");
  }

  private static ExecdException notFound(Path path, IOException cause) {
    return new ExecdException(ErrorCode.FILE_NOT_FOUND, "file not found: \"" + path + "\"", cause);
  }

  private static ErrorCode code(IOException cause) {
    String reason = reason(cause);
    if (reason.contains("No space left") || reason.contains("quota exceeded")) {
      return ErrorCode.DISK_FULL;
    }
    if (reason.contains("Too many open files") || reason.contains("Cannot allocate memory")) {
      return ErrorCode.OUT_OF_RESOURCES;
    }
    if (reason.contains("File name too long") || reason.contains("levels of symbolic links")) {
      return ErrorCode.INVALID_REQUEST_BODY;
    }
    return ErrorCode.RUNTIME_ERROR;
  }

  static String reason(IOException cause) {
    return switch (cause) {
      case AccessDeniedException _ -> "permission denied";
      case NoSuchFileException _ -> "no such file or directory";
      case NotDirectoryException _ -> "not a directory";
      case DirectoryNotEmptyException _ -> "directory not empty";
      case FileAlreadyExistsException _ -> "file exists";
      case FileSystemException e when e.getReason() != null -> e.getReason();
      default -> cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    };
  }
}
