package io.opensandbox.execd.archive;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Writes a tar archive in the POSIX pax format (ustar headers, extended ones where a name, a link
/// or a size does not fit).
final class TarWriter {
  static final int BLOCK = 512;
  private static final int MAX_NAME_BYTES = 100;
  private static final long MAX_OCTAL_ID = 07777777;
  private static final long MAX_OCTAL_SIZE = 077777777777L;

  private final OutputStream out;
  private final byte[] block = new byte[BLOCK];

  TarWriter(OutputStream out) {
    this.out = out;
  }

  /// What a member has besides its entry.
  ///
  /// @param uid user id
  /// @param gid group id
  /// @param opaque whether a directory of which nothing shows that was there before
  record Extras(long uid, long gid, boolean opaque) {
    static final Extras NONE = new Extras(0, 0, false);
  }

  /// Writes the header of a member; exactly `entry.size()` bytes and [#pad] must follow.
  void begin(TarEntry entry) throws IOException {
    begin(entry, Extras.NONE);
  }

  /// The same, with extras.
  void begin(TarEntry entry, Extras extras) throws IOException {
    byte[] name = entry.name().getBytes(StandardCharsets.UTF_8);
    byte[] link = entry.linkTarget().getBytes(StandardCharsets.UTF_8);
    StringBuilder extended = new StringBuilder();
    if (name.length > MAX_NAME_BYTES) {
      record(extended, "path", entry.name());
    }
    if (link.length > MAX_NAME_BYTES) {
      record(extended, "linkpath", entry.linkTarget());
    }
    if (entry.size() > MAX_OCTAL_SIZE) {
      record(extended, "size", Long.toString(entry.size()));
    }
    if (extras.uid > MAX_OCTAL_ID) {
      record(extended, "uid", Long.toString(extras.uid));
    }
    if (extras.gid > MAX_OCTAL_ID) {
      record(extended, "gid", Long.toString(extras.gid));
    }
    if (extras.opaque) {
      record(extended, "SCHILY.xattr.trusted.overlay.opaque", "y");
    }
    if (!extended.isEmpty()) {
      byte[] content = extended.toString().getBytes(StandardCharsets.UTF_8);
      header(
          "././@PaxHeader".getBytes(StandardCharsets.US_ASCII),
          new byte[0],
          'x',
          0644,
          content.length,
          0,
          Extras.NONE);
      out.write(content);
      pad(content.length);
    }
    header(
        name,
        link,
        entry.kind().flag(),
        entry.mode(),
        entry.size(),
        entry.modifiedSeconds(),
        extras);
  }

  /// A record begins with its own length in decimal, that number included.
  private static void record(StringBuilder out, String key, String value) {
    int rest = key.length() + value.getBytes(StandardCharsets.UTF_8).length + 3;
    int length = rest + Integer.toString(rest).length();
    length = rest + Integer.toString(length).length();
    out.append(length).append(' ').append(key).append('=').append(value).append('\n');
  }

  private void header(
      byte[] name, byte[] link, char flag, int mode, long size, long modified, Extras extras)
      throws IOException {
    Arrays.fill(block, (byte) 0);
    System.arraycopy(name, 0, block, 0, Math.min(name.length, MAX_NAME_BYTES));
    octal(100, 8, mode);
    octal(108, 8, Math.min(extras.uid, MAX_OCTAL_ID));
    octal(116, 8, Math.min(extras.gid, MAX_OCTAL_ID));
    octal(124, 12, Math.min(size, MAX_OCTAL_SIZE));
    octal(136, 12, Math.clamp(modified, 0, MAX_OCTAL_SIZE));
    block[156] = (byte) flag;
    System.arraycopy(link, 0, block, 157, Math.min(link.length, MAX_NAME_BYTES));
    byte[] magic = {'u', 's', 't', 'a', 'r', 0, '0', '0'};
    System.arraycopy(magic, 0, block, 257, magic.length);
    octal(329, 8, 0);
    octal(337, 8, 0);
    checksum();
    out.write(block, 0, BLOCK);
  }

  private void octal(int at, int width, long value) {
    String digits = Long.toOctalString(value);
    int start = at + width - 1 - digits.length();
    for (int i = at; i < start; i++) {
      block[i] = '0';
    }
    for (int i = 0; i < digits.length(); i++) {
      block[start + i] = (byte) digits.charAt(i);
    }
  }

  private void checksum() {
    Arrays.fill(block, 148, 156, (byte) ' ');
    int sum = 0;
    for (byte b : block) {
      sum += b & 0xff;
    }
    octal(148, 7, sum);
    block[155] = ' ';
  }

  /// Fills the last block after content of this size.
  void pad(long size) throws IOException {
    int rest = (int) (size % BLOCK);
    if (rest > 0) {
      out.write(new byte[BLOCK - rest]);
    }
  }

  /// Writes the two empty blocks at the end.
  void end() throws IOException {
    out.write(new byte[2 * BLOCK]);
  }
}
