package io.opensandbox.execd.file;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;

/// Permission bits as the wire has them: octal digits that read like a decimal number.
final class FileMode {
  private static final int MAX_WIRE = 7777;
  private static final int PERMISSION_BITS = 0777;

  private FileMode() {}

  /// The nine permission bits of a `st_mode`, for example 644.
  static int toWire(int mode) {
    int bits = mode & PERMISSION_BITS;
    return (bits >> 6) * 100 + (bits >> 3 & 7) * 10 + (bits & 7);
  }

  /// The bits that a number such as 755 or 4755 means.
  static int fromWire(long wire) {
    if (wire < 0 || wire > MAX_WIRE) {
      throw invalid(wire);
    }
    int bits = 0;
    int shift = 0;
    for (long rest = wire; rest > 0; rest /= 10) {
      int digit = (int) (rest % 10);
      if (digit > 7) {
        throw invalid(wire);
      }
      bits |= digit << shift;
      shift += 3;
    }
    return bits;
  }

  private static ExecdException invalid(long wire) {
    return new ExecdException(
        ErrorCode.INVALID_REQUEST_BODY,
        "field \"mode\" must be up to four octal digits such as 755, not " + wire);
  }
}
