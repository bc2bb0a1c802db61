package io.opensandbox.runtime.local.network;

import java.nio.file.Path;

/// One prepared network: a namespace, its cable and its addresses, all derived from a number.
///
/// @param number 0 to [#MAX]
/// @param prefix common part of all names of this runtime, at most 9 characters
/// @param subnet the second byte of the addresses: `10.<subnet>.0.0/16`
public record Slot(int number, String prefix, int subnet) {
  /// The highest number: a /16 holds 16,384 networks of four addresses.
  public static final int MAX = 16_383;

  /// Name of the namespace.
  public String namespace() {
    return prefix + "-" + number;
  }

  /// Where the namespace can be opened.
  public Path path() {
    return Path.of("/run/netns", namespace());
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
    return "10." + subnet + "." + (offset >> 8) + "." + (offset & 255);
  }
}
