package io.opensandbox.runtime.local.image;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;

/// The layer on top of every image: execd unpacked, the bootstrap script and the mount points.
///
/// Being a layer, it costs a sandbox nothing, is shared in the page cache by all, and still leaves
/// `/opt/opensandbox` writable and private. Being on top, it also keeps an image from replacing a
/// mount point by a link to somewhere else.
public final class ExecdLayer {
  private static final String INSTALL_PATH = "opt/opensandbox";
  private static final List<String> MOUNT_POINTS =
      List.of("proc", "sys", "dev", "run", "tmp", "etc");

  private final Path source;
  private final Layers layers;
  private final Runner runner;

  // Guarded by this.
  private String lastVersion = "";
  private String lastHash = "";

  /// The layer made from a directory with `execd` and `bootstrap.sh`.
  public ExecdLayer(Path source, Layers layers, Runner runner) {
    this.source = source;
    this.layers = layers;
    this.runner = runner;
  }

  /// The layer's name; made when it is new, so the first call of a new version takes a while.
  ///
  /// Throws `EXECD_DISTRIBUTION_FAILED` without an execd and `BOOTSTRAP_INSTALL_FAILED` without a
  /// script.
  public String name() {
    Path execd = source.resolve("execd");
    Path script = source.resolve("bootstrap.sh");
    if (!Files.isRegularFile(execd)) {
      throw new SandboxException(
          ErrorCode.EXECD_DISTRIBUTION_FAILED, "Failed to read execd artifacts: no " + execd);
    }
    if (!Files.isRegularFile(script)) {
      throw new SandboxException(
          ErrorCode.BOOTSTRAP_INSTALL_FAILED, "bootstrap.sh not found in execd image cache");
    }
    String name = "execd-" + currentHash(execd, script).substring(0, 16);
    try {
      layers.make(name, layer -> fill(layer, execd, script));
    } catch (Runner.RunFailure | UncheckedIOException e) {
      throw new SandboxException(
          ErrorCode.EXECD_DISTRIBUTION_FAILED,
          "Failed to read execd artifacts: " + e.getMessage(),
          e);
    }
    return name;
  }

  private void fill(Path layer, Path execd, Path script) {
    try {
      for (String point : MOUNT_POINTS) {
        Files.createDirectory(layer.resolve(point));
      }
      Files.setAttribute(layer.resolve("tmp"), "unix:mode", 01777);
      Path target = Files.createDirectories(layer.resolve(INSTALL_PATH));
      runner.check(
          Runner.Command.of(execd.toString(), "install", target.toString())
              .within(Duration.ofMinutes(1)));
      Files.copy(script, target.resolve("bootstrap.sh"), StandardCopyOption.REPLACE_EXISTING);
      for (String file : List.of("execd", "bootstrap.sh")) {
        Files.setPosixFilePermissions(
            target.resolve(file), PosixFilePermissions.fromString("rwxr-xr-x"));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot install execd", e);
    }
  }

  /// Reads the files only when their size or time changed.
  private synchronized String currentHash(Path execd, Path script) {
    String version = version(execd) + " " + version(script);
    if (!version.equals(lastVersion)) {
      lastHash = hash(execd, script);
      lastVersion = version;
    }
    return lastHash;
  }

  private static String version(Path file) {
    try {
      return Files.size(file) + "@" + Files.getLastModifiedTime(file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private static String hash(Path... files) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (Path file : files) {
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
          in.transferTo(java.io.OutputStream.nullOutputStream());
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read execd", e);
    }
  }
}
