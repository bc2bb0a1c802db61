package io.opensandbox.server.tracing;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/// A key for 127.0.0.1 with a certificate that it signed itself, made by the JDK's `keytool`.
final class TestKey {
  private static final String PASSWORD = "changeit";

  private final KeyStore keys;
  private final KeyStore certificates;
  private final Path certificate;
  private final Path privateKey;

  /// @param folder gets the files
  TestKey(Path folder) throws IOException, GeneralSecurityException, InterruptedException {
    Path store = folder.resolve("key.p12");
    Files.createDirectories(folder);
    int status =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin/keytool").toString(),
                "-J-XX:TieredStopAtLevel=1",
                "-genkeypair",
                "-keyalg",
                "EC",
                "-dname",
                "CN=collector",
                "-ext",
                "SAN=IP:127.0.0.1",
                "-storepass",
                PASSWORD,
                "-keystore",
                store.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("keytool.log").toFile())
            .start()
            .waitFor();
    if (status != 0) {
      throw new IOException(Files.readString(folder.resolve("keytool.log")));
    }
    keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, PASSWORD.toCharArray());
    }
    String name = keys.aliases().nextElement();
    certificates = KeyStore.getInstance("PKCS12");
    certificates.load(null, null);
    certificates.setCertificateEntry("only", keys.getCertificate(name));
    certificate = folder.resolve("certificate.pem");
    privateKey = folder.resolve("key.pem");
    write(certificate, "CERTIFICATE", keys.getCertificate(name).getEncoded());
    write(privateKey, "PRIVATE KEY", keys.getKey(name, PASSWORD.toCharArray()).getEncoded());
  }

  private static void write(Path file, String kind, byte[] content) throws IOException {
    String lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
    Files.writeString(
        file, "-----BEGIN %s-----\n%s\n-----END %s-----\n".formatted(kind, lines, kind));
  }

  /// A file in PEM.
  String certificate() {
    return certificate.toString();
  }

  /// A file in PEM.
  String privateKey() {
    return privateKey.toString();
  }

  /// What shows this key and trusts `peer`.
  SSLContext trusting(TestKey peer) throws GeneralSecurityException {
    var own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    own.init(keys, PASSWORD.toCharArray());
    var trusted = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trusted.init(peer.certificates);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(own.getKeyManagers(), trusted.getTrustManagers(), null);
    return context;
  }
}
