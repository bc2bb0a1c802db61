package io.opensandbox.execd.archive;

/// One member of a tar archive.
///
/// @param name relative, parts separated by `/`
/// @param mode nine permission bits
/// @param size bytes of content that follow
/// @param modifiedSeconds Unix time
/// @param linkTarget of a link; else empty
record TarEntry(
    String name, Kind kind, int mode, long size, long modifiedSeconds, String linkTarget) {
  /// What the member is.
  enum Kind {
    FILE('0'),
    HARD_LINK('1'),
    SYMBOLIC_LINK('2'),
    DIRECTORY('5'),
    /// A character device 0/0, only ever written: what was here is gone.
    WHITEOUT('3'),
    /// Devices, pipes and whatever else.
    OTHER('?');

    private final char flag;

    Kind(char flag) {
      this.flag = flag;
    }

    char flag() {
      return flag;
    }

    static Kind of(int flag) {
      return switch (flag) {
        case 0, '0', '7' -> FILE;
        case '1' -> HARD_LINK;
        case '2' -> SYMBOLIC_LINK;
        case '5' -> DIRECTORY;
        default -> OTHER;
      };
    }
  }
}
