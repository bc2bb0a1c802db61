package io.opensandbox.e2e.testbed;

/// The images that `images/build` makes, and what is in them.
public enum Images {
  /// Debian with Python and bash.
  PYTHON("opensandbox/demo:local", true),
  /// Static busybox, no glibc, no bash.
  BUSYBOX("opensandbox/busybox:local", true),
  /// Debian with Python and bash, run as somebody else than root.
  USER("opensandbox/user:local", true),
  /// One static program, no shell.
  NO_SHELL("opensandbox/noshell:local", false);

  private final String reference;
  private final boolean hasShell;

  Images(String reference, boolean hasShell) {
    this.reference = reference;
    this.hasShell = hasShell;
  }

  /// The image's name for a create request.
  public String reference() {
    return reference;
  }

  /// Whether it can run a shell command.
  public boolean hasShell() {
    return hasShell;
  }
}
