package io.opensandbox.runtime.local;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.util.Base64;

/// A key of a test with a certificate that nobody else trusts, made by the JDK's `keytool`.
final class TestKey {
  private static final String PASSWORD = "changeit";

  private final Path directory;
  private final PrivateKey key;
  private final byte[] encodedCertificate;

  /// @param directory gets the files
  /// @param address that the certificate is for
  TestKey(Path directory, String address) throws IOException, GeneralSecurityException {
    this.directory = directory;
    Path store = directory.resolve("key.p12");
    TestRuntime.RUNNER.text(
        Path.of(System.getProperty("java.home"), "bin/keytool").toString(),
        "-genkeypair",
        "-keyalg",
        "RSA",
        "-dname",
        "CN=osl",
        "-ext",
        "SAN=IP:" + address,
        "-storetype",
        "PKCS12",
        "-storepass",
        PASSWORD,
        "-keystore",
        store.toString());
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, PASSWORD.toCharArray());
    }
    String name = keys.aliases().nextElement();
    key = (PrivateKey) keys.getKey(name, PASSWORD.toCharArray());
    encodedCertificate = keys.getCertificate(name).getEncoded();
    write(certificate(), "CERTIFICATE", encodedCertificate);
    write(privateKey(), "PRIVATE KEY", key.getEncoded());
  }

  private static void write(Path file, String kind, byte[] content) throws IOException {
    String lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
    Files.writeString(
        file, "-----BEGIN %s-----\n%s\n-----END %s-----\n".formatted(kind, lines, kind));
  }

  /// A file in PEM.
  Path certificate() {
    return directory.resolve("certificate.pem");
  }

  /// A file in PEM.
  Path privateKey() {
    return directory.resolve("key.pem");
  }

  /// Claims as a signed token (RFC 7519, RS256) that carries the certificate.
  String sign(String claims) throws GeneralSecurityException {
    String header =
        "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"x5c\":[\"%s\"]}"
            .formatted(Base64.getEncoder().encodeToString(encodedCertificate));
    String signed = encode(header.getBytes(StandardCharsets.UTF_8)) + "." + encode(claims);
    Signature signature = Signature.getInstance("SHA256withRSA");
    signature.initSign(key);
    signature.update(signed.getBytes(StandardCharsets.US_ASCII));
    return signed + "." + encode(signature.sign());
  }

  private static String encode(String text) {
    return encode(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String encode(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
