package io.opensandbox.runtime.local.network;

import java.nio.file.Path;

/// One prepared network: a namespace, its cable and its addresses, all derived from a number.
///
/// @param number 0 to [#MAX]
/// @param prefix common part of all names of this runtime, at most 9 characters
/// @param block the first two bytes of the addresses, `10.<subnet>`
/// @param directory holds the namespaces
public record Slot(int number, String prefix, String block, Path directory) {
  /// Where `ip netns` keeps namespaces.
  static final Path NAMESPACES = Path.of("/run/netns");

  /// The highest number: a /16 holds 16,384 networks of four addresses.
  public static final int MAX = 16_383;

  /// A network of root, in `10.<subnet>.0.0/16`.
  public Slot(int number, String prefix, int subnet) {
    this(number, prefix, "10." + subnet, NAMESPACES);
  }

  /// Name of the namespace.
  public String namespace() {
    return prefix + "-" + number;
  }

  /// Where the namespace can be opened.
  public Path path() {
    return directory.resolve(namespace());
  }

  /// Name of the host's end of the cable.
  public String cable() {
    return prefix + "." + number;
  }

  /// The host's address on the cable.
  public String gateway() {
    return address(1);
  }

  /// The sandbox's address.
  public String address() {
    return address(2);
  }

  private String address(int last) {
    int offset = number * 4 + last;
    return block + "." + (offset >> 8) + "." + (offset & 255);
  }
}
