package io.opensandbox.e2e.testbed;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
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
    try {
      var build =
          new ProcessBuilder("docker", "build", "--quiet", "--tag", name, "-")
              .redirectErrorStream(true)
              .start();
      try (var dockerfile = build.getOutputStream()) {
        dockerfile.write(("FROM " + base.reference() + "\n" + instructions + "\n").getBytes(UTF_8));
      }
      var output = new String(build.getInputStream().readAllBytes(), UTF_8);
      if (build.waitFor() != 0) {
        throw new IllegalStateException("docker build of " + name + " failed: " + output);
      }
      return name;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
