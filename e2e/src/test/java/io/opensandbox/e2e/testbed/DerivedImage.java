package io.opensandbox.e2e.testbed;

import java.util.Locale;

/// An image made on the spot from one that is there, with more lines of a Dockerfile.
public final class DerivedImage {
  private DerivedImage() {}

  /// The name of an image that has `instructions` on top of `base`. Built again only when these
  /// change; stays for the next run.
  public static String of(Images base, String instructions) {
    var name =
        "opensandbox/e2e-"
            + base.name().toLowerCase(Locale.ROOT)
            + "-"
            + Integer.toHexString(instructions.hashCode());
    Docker.feed(
        "FROM " + base.reference() + "\n" + instructions + "\n",
        "build",
        "--quiet",
        "--tag",
        name,
        "-");
    return name;
  }
}
