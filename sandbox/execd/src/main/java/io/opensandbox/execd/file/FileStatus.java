package io.opensandbox.execd.file;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;

/// One stat(2), with numeric owners and all mode bits.
///
/// @param mode `st_mode`, type bits included
/// @param uid 0 to 2^32 - 1
/// @param gid 0 to 2^32 - 1
public record FileStatus(
    int mode, long uid, long gid, long size, FileTime modified, FileTime changed) {
  private static final String ATTRIBUTES = "unix:mode,uid,gid,size,lastModifiedTime,ctime";
  private static final int TYPE_BITS = 0170000;
  private static final int DIRECTORY = 0040000;
  private static final int REGULAR = 0100000;
  private static final int LINK = 0120000;
  private static final LinkOption[] FOLLOW = {};
  private static final LinkOption[] NO_FOLLOW = {LinkOption.NOFOLLOW_LINKS};

  /// The status of what the path leads to.
  public static FileStatus of(Path path) throws IOException {
    return read(path, FOLLOW);
  }

  /// The status of the path itself, also when it is a link.
  public static FileStatus ofLink(Path path) throws IOException {
    return read(path, NO_FOLLOW);
  }

  private static FileStatus read(Path path, LinkOption[] options) throws IOException {
    Map<String, Object> values = Files.readAttributes(path, ATTRIBUTES, options);
    return new FileStatus(
        (int) get(values, "mode"),
        Integer.toUnsignedLong((int) get(values, "uid")),
        Integer.toUnsignedLong((int) get(values, "gid")),
        (long) get(values, "size"),
        (FileTime) get(values, "lastModifiedTime"),
        (FileTime) get(values, "ctime"));
  }

  private static Object get(Map<String, Object> values, String name) throws IOException {
    Object value = values.get(name);
    if (value == null) {
      throw new IOException("the file system does not tell \"" + name + "\"");
    }
    return value;
  }

  /// Whether it is a directory.
  public boolean isDirectory() {
    return (mode & TYPE_BITS) == DIRECTORY;
  }

  /// Whether it is a regular file.
  public boolean isRegular() {
    return (mode & TYPE_BITS) == REGULAR;
  }

  /// Whether it is a symbolic link.
  public boolean isLink() {
    return (mode & TYPE_BITS) == LINK;
  }

  /// The word that the API has for the type.
  public String type() {
    return switch (mode & TYPE_BITS) {
      case REGULAR -> "file";
      case DIRECTORY -> "directory";
      case LINK -> "symlink";
      default -> "other";
    };
  }
}
