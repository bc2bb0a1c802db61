package io.opensandbox.runtime.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Makes images for tests out of the machine's static busybox, as OCI layouts.
final class TestImages {
  /// What is below `/data` after all three layers: a file kept, one replaced, one added; the
  /// directory `old` emptied and refilled, `gone` deleted.
  private static final String LAYERS =
      """
      set -e
      cd "$1"
      mkdir -p l1/bin l1/data/old l1/etc l1/tmp l2/data/old l3/data
      cp "$(command -v busybox)" l1/bin/busybox
      for name in sh cat echo env id ls nc ping sleep stat test true wget; do
        ln -s busybox l1/bin/$name
      done
      echo 'root:x:0:0:root:/root:/bin/sh' >l1/etc/passwd
      echo 'app:x:1234:2345:app:/data:/bin/sh' >>l1/etc/passwd
      echo first >l1/data/kept
      echo first >l1/data/replaced
      echo first >l1/data/gone
      echo first >l1/data/old/hidden
      chown 1234:2345 l1/data/kept
      ln l1/data/kept l1/data/linked
      setfattr -n user.colour -v blue l1/data/kept
      ln -s /data/kept l1/data/absolute
      echo second >l2/data/replaced
      : >l2/data/.wh.gone
      : >l2/data/old/.wh..wh..opq
      echo second >l2/data/old/new
      echo third >l3/data/added
      for layer in l1 l2 l3; do
        tar --xattrs -C $layer -cf $layer.tar .
      done
      """;

  private TestImages() {}

  /// An OCI layout in `directory`, with one image under the names `image` and `team/known:1`.
  static void writeLayout(Path directory) throws IOException {
    Path layout = Files.createDirectories(directory.resolve("layout"));
    Path blobs = Files.createDirectories(layout.resolve("blobs/sha256"));
    TestRuntime.RUNNER.text("sh", "-c", LAYERS, "sh", directory.toString());
    StringBuilder layers = new StringBuilder();
    StringBuilder diffIds = new StringBuilder();
    for (String name : List.of("l1", "l2", "l3")) {
      Path tar = directory.resolve(name + ".tar");
      String diffId = digest(tar);
      TestRuntime.RUNNER.text("gzip", "-k", tar.toString());
      Path zipped = directory.resolve(name + ".tar.gz");
      String blob = store(zipped, blobs);
      layers
          .append(layers.isEmpty() ? "" : ",")
          .append(descriptor("layer.v1.tar+gzip", blob, zipped));
      diffIds.append(diffIds.isEmpty() ? "" : ",").append("\"sha256:").append(diffId).append('"');
    }
    Path config = directory.resolve("config.json");
    Files.writeString(
        config,
        """
        {"architecture":"amd64","os":"linux",
         "config":{"Env":["PATH=/bin","COLOUR=blue"],"WorkingDir":"/data"},
         "rootfs":{"type":"layers","diff_ids":[%s]}}\
        """
            .formatted(diffIds));
    Path manifest = directory.resolve("manifest.json");
    Files.writeString(
        manifest,
        """
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
         "config":%s,"layers":[%s]}\
        """
            .formatted(descriptor("config.v1+json", store(config, blobs), config), layers));
    String blob = store(manifest, blobs);
    Files.writeString(layout.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
    Files.writeString(
        layout.resolve("index.json"),
        """
        {"schemaVersion":2,"manifests":[
         {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%1$s","size":%2$d,
          "annotations":{"org.opencontainers.image.ref.name":"image"}},
         {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%1$s","size":%2$d,
          "annotations":{"org.opencontainers.image.ref.name":"team/known:1"}}]}\
        """
            .formatted(blob, Files.size(manifest)));
  }

  private static String descriptor(String type, String hash, Path file) throws IOException {
    return "{\"mediaType\":\"application/vnd.oci.image.%s\",\"digest\":\"sha256:%s\",\"size\":%d}"
        .formatted(type, hash, Files.size(file));
  }

  private static String store(Path file, Path blobs) throws IOException {
    String hash = digest(file);
    Files.copy(file, blobs.resolve(hash));
    return hash;
  }

  private static String digest(Path file) {
    return TestRuntime.RUNNER.text("sha256sum", file.toString()).substring(0, 64);
  }
}
