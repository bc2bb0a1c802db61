package io.opensandbox.runtime.local;

import io.opensandbox.runtime.FreePort;
import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;

/// A real registry (Debian's `docker-registry`) on this machine that asks for a login.
final class TestRegistry implements AutoCloseable {
  static final String USER = "alice";
  static final String PASSWORD = "open-sesame";
  private static final String HASH = "$2b$04$lWpdctV6j3pbPacHuDDf9uWOwIq.8lODgqt/aIBezR1aP/DddgIKS";

  private final Process process;
  private final Path directory;
  private final String address;
  private final int port;

  /// A registry on loopback without TLS, with passwords.
  TestRegistry(Path directory) throws IOException, InterruptedException {
    this(directory, "127.0.0.1", passwords(directory), "");
  }

  private TestRegistry(Path directory, String address, String auth, String tls)
      throws IOException, InterruptedException {
    Assumptions.assumeTrue(
        TestRuntime.RUNNER
                .run(Runner.Command.of("sh", "-c", "command -v docker-registry"))
                .exitCode()
            == 0,
        "there is no docker-registry");
    this.directory = directory;
    this.address = address;
    port = FreePort.find();
    Files.writeString(
        directory.resolve("registry.yml"),
        """
        version: 0.1
        log: {level: error, accesslog: {disabled: false}}
        storage: {filesystem: {rootdirectory: %s/registry}}
        http: {addr: "%s:%d"%s}
        auth: {%s}
        """
            .formatted(directory, address, port, tls, auth));
    process =
        new ProcessBuilder("docker-registry", "serve", directory.resolve("registry.yml").toString())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("registry.log").toFile())
            .start();
    awaitPort();
  }

  private static String passwords(Path directory) throws IOException {
    Files.writeString(directory.resolve("htpasswd"), USER + ":" + HASH + "\n");
    return "htpasswd: {realm: osl, path: %s/htpasswd}".formatted(directory);
  }

  /// A registry that sends its clients to `tokens` for a token.
  static TestRegistry withTokens(Path directory, TestTokens tokens)
      throws IOException, InterruptedException {
    return new TestRegistry(
        directory,
        "127.0.0.1",
        "token: {realm: \"%s\", service: %s, issuer: %s, rootcertbundle: %s}"
            .formatted(
                tokens.realm(), TestTokens.NAME, TestTokens.NAME, tokens.key().certificate()),
        "");
  }

  /// A registry with TLS at an address of this machine.
  static TestRegistry withTls(Path directory, String address, TestKey key)
      throws IOException, InterruptedException {
    return new TestRegistry(
        directory,
        address,
        passwords(directory),
        ", tls: {certificate: %s, key: %s}".formatted(key.certificate(), key.privateKey()));
  }

  int port() {
    return port;
  }

  /// `host:port`.
  String name() {
    return address + ":" + port;
  }

  String reference(String image) {
    return name() + "/" + image;
  }

  /// Pushes the image `image` of a layout, or its whole index with `options` of skopeo.
  void push(Path layout, String name, String... options) {
    List<String> argv =
        new ArrayList<>(
            List.of(
                "env",
                "HOME=" + directory,
                "skopeo",
                "copy",
                "--quiet",
                "--insecure-policy",
                "--dest-tls-verify=false",
                "--dest-creds=" + USER + ":" + PASSWORD));
    argv.addAll(Arrays.asList(options));
    argv.add("oci:" + layout + ":image");
    argv.add("docker://" + reference(name));
    TestRuntime.RUNNER.text(argv.toArray(String[]::new));
  }

  /// How often the registry sent a blob of this image whole.
  long downloads(String name, String digest) {
    Pattern sent = Pattern.compile("\"GET /v2/" + name + "/blobs/" + digest + " [^\"]*\" 200 ");
    try {
      return sent.matcher(Files.readString(directory.resolve("registry.log"))).results().count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The file in which the registry keeps a blob.
  Path blob(String digest) {
    String hash = digest.substring("sha256:".length());
    return directory.resolve(
        "registry/docker/registry/v2/blobs/sha256/%s/%s/data"
            .formatted(hash.substring(0, 2), hash));
  }

  private void awaitPort() throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (System.nanoTime() < deadline && process.isAlive()) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(address, port));
        return;
      } catch (IOException e) {
        process.waitFor(50, TimeUnit.MILLISECONDS);
      }
    }
    throw new IllegalStateException("docker-registry does not listen");
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
