package io.opensandbox.runtime.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

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
      python3 -c '
      import tarfile
      with tarfile.open("l1.tar", "a") as archive:
          device = tarfile.TarInfo("./dev/sda")
          device.type, device.devmajor, device.devminor = tarfile.BLKTYPE, 8, 0
          archive.addfile(device)'
      """;

  private static final String BIG_LAYER =
      """
      set -e
      cd "$1"
      mkdir -p big/bin big/etc big/tmp big/data
      cp "$(command -v busybox)" big/bin/busybox
      for name in sh cat echo sleep true; do
        ln -s busybox big/bin/$name
      done
      echo 'root:x:0:0:root:/root:/bin/sh' >big/etc/passwd
      head -c "$2" /dev/urandom >big/filler
      echo "$1" >big/name
      tar -C big -cf big.tar .
      """;

  /// A layer whose archive leads out: `$3` is how, `$2` where to.
  private static final String HOSTILE_LAYER =
      """
      import io, os, sys, tarfile
      layer, target, how = sys.argv[1:]
      def add(archive, name, kind, link=""):
          member = tarfile.TarInfo(name)
          member.type, member.linkname = kind, link
          member.size = 5 if kind == tarfile.REGTYPE else 0
          archive.addfile(member, io.BytesIO(b"evil\\n"))
      with tarfile.open(layer, "w") as archive:
          if how == "dots":
              add(archive, "../" * 30 + target[1:] + "/evil", tarfile.REGTYPE)
          elif how == "absolute":
              add(archive, target + "/evil", tarfile.REGTYPE)
          elif how == "link":
              add(archive, "way", tarfile.SYMTYPE, target)
              add(archive, "way/evil", tarfile.REGTYPE)
          else:
              add(archive, "way", tarfile.LNKTYPE, "../" * 30 + target[1:] + "/given")
              add(archive, "way", tarfile.REGTYPE)
      """;

  /// An image most of whose places are links to `$2`, and whose upper layer takes away what is hard
  /// to take away.
  private static final String TRAPS =
      """
      import io, os, sys, tarfile
      target = sys.argv[1]
      def add(archive, name, kind, link="", data=b"", major=0, minor=0):
          member = tarfile.TarInfo(name)
          member.type, member.linkname, member.mode, member.size = kind, link, 0o755, len(data)
          member.devmajor, member.devminor = major, minor
          archive.addfile(member, io.BytesIO(data))
      with tarfile.open("t1.tar", "w") as archive:
          add(archive, "bin", tarfile.DIRTYPE)
          archive.add(sys.argv[2], "bin/busybox")
          for name in ("sh", "cat", "ls", "head"):
              add(archive, "bin/" + name, tarfile.SYMTYPE, "busybox")
          for name in ("etc", "opt", "tmp", "proc", "sys", "run", "dev", "root", "vol"):
              add(archive, name, tarfile.SYMTYPE, target)
          for name in ("data", "data/parent", "data/parent/below"):
              add(archive, name, tarfile.DIRTYPE)
          for name in ("parent/old", "parent/below/old", "wei\u00df", "new\\nline"):
              add(archive, "data/" + name, tarfile.REGTYPE)
          add(archive, "data/raw\udcff", tarfile.REGTYPE)
          if sys.argv[3] == "true":
              add(archive, "data/disk", tarfile.BLKTYPE, major=7, minor=0)
              add(archive, "data/zero", tarfile.CHRTYPE, major=1, minor=5)
      with tarfile.open("t2.tar", "w") as archive:
          add(archive, "data", tarfile.DIRTYPE)
          for name in ("parent", "wei\u00df", "new\\nline", "raw\udcff"):
              add(archive, "data/.wh." + name, tarfile.REGTYPE)
          add(archive, "data/parent", tarfile.DIRTYPE)
          add(archive, "data/parent/new", tarfile.REGTYPE)
      """;

  private TestImages() {}

  /// An OCI layout in `directory` with an image `image` in which links to `target` stand where a
  /// sandbox has files of its own and mounts, and whose `/data` is taken away in the upper layer
  /// but for `parent/new`.
  ///
  /// @param devices whether there are `/data/disk` and `/data/zero` as well
  static void writeTraps(Path directory, Path target, boolean devices) throws IOException {
    Files.createDirectories(directory);
    TestRuntime.RUNNER.text(
        "sh",
        "-c",
        "cd \"$1\" && python3 -c \"$2\" \"$3\" \"$(command -v busybox)\" \"$4\"",
        "sh",
        directory.toString(),
        TRAPS,
        target.toString(),
        Boolean.toString(devices));
    write(
        directory,
        "amd64",
        List.of("image"),
        List.of(directory.resolve("t1.tar"), directory.resolve("t2.tar")));
  }

  /// An OCI layout in `directory` with an image `image` whose layer tries to write below `target`.
  ///
  /// @param how `dots`, `absolute`, `link` or `hard`
  static void writeHostile(Path directory, Path target, String how) throws IOException {
    Path layer = Files.createDirectories(directory).resolve("hostile.tar");
    TestRuntime.RUNNER.text(
        "python3", "-c", HOSTILE_LAYER, layer.toString(), target.toString(), how);
    write(directory, "amd64", List.of("image"), List.of(layer));
  }

  /// An OCI layout in `directory`, with one image under the names `image` and `team/known:1`.
  static void writeLayout(Path directory) throws IOException {
    TestRuntime.RUNNER.text("sh", "-c", LAYERS, "sh", directory.toString());
    write(
        directory.resolve("layout"),
        "amd64",
        List.of("image", "team/known:1"),
        List.of(
            directory.resolve("l1.tar"), directory.resolve("l2.tar"), directory.resolve("l3.tar")));
  }

  /// An OCI layout in `directory` with an image `image` that takes `bytes` and a little more; its
  /// file `/name` has the text of the directory.
  static void writeBig(Path directory, long bytes) throws IOException {
    Files.createDirectories(directory);
    TestRuntime.RUNNER.text(
        "sh", "-c", BIG_LAYER, "sh", directory.toString(), Long.toString(bytes));
    write(directory, "amd64", List.of("image"), List.of(directory.resolve("big.tar")));
  }

  /// An OCI layout in `directory` with an image `image` whose layer is small and unpacks to `bytes`
  /// of zeros.
  ///
  /// @param compression `gzip` or `zstd`
  static void writeBomb(Path directory, long bytes, String compression) throws IOException {
    Files.createDirectories(directory.resolve("bomb"));
    TestRuntime.RUNNER.text(
        "sh",
        "-c",
        "cd \"$1\" && head -c \"$2\" /dev/zero >bomb/zeros && tar -C bomb -cf bomb.tar .",
        "sh",
        directory.toString(),
        Long.toString(bytes));
    write(
        directory,
        "amd64",
        List.of("image"),
        List.of(directory.resolve("bomb.tar")),
        compression,
        "blue");
  }

  /// An OCI layout in `directory` with an image `image` like that of [#writeBig], whose variable
  /// `COLOUR` has this JSON text as its value.
  static void writeColoured(Path directory, String colour) throws IOException {
    writeBig(directory, 1);
    write(
        directory,
        "amd64",
        List.of("image"),
        List.of(directory.resolve("big.tar")),
        "gzip",
        colour);
  }

  /// Makes an OCI layout with one image.
  ///
  /// @param layers plain tar files, the lowest first
  static void write(Path layout, String architecture, List<String> names, List<Path> layers)
      throws IOException {
    write(layout, architecture, names, layers, "gzip", "blue");
  }

  private static void write(
      Path layout,
      String architecture,
      List<String> names,
      List<Path> layers,
      String compression,
      String colour)
      throws IOException {
    String suffix = compression.equals("gzip") ? ".gz" : ".zst";
    Path blobs = Files.createDirectories(layout.resolve("blobs/sha256"));
    List<String> descriptors = new ArrayList<>();
    List<String> diffIds = new ArrayList<>();
    for (Path tar : layers) {
      diffIds.add("\"sha256:" + digest(tar) + "\"");
      TestRuntime.RUNNER.text(compression, "-kf", tar.toString());
      Path zipped = tar.resolveSibling(tar.getFileName() + suffix);
      descriptors.add(descriptor("layer.v1.tar+" + compression, store(zipped, blobs), zipped));
    }
    Path config = layout.resolve("config.json");
    Files.writeString(
        config,
        """
        {"architecture":"%s","os":"linux",
         "config":{"Env":["PATH=/bin","COLOUR=%s"],"WorkingDir":"/data"},
         "rootfs":{"type":"layers","diff_ids":[%s]}}\
        """
            .formatted(architecture, colour, String.join(",", diffIds)));
    Path manifest = layout.resolve("manifest.json");
    Files.writeString(
        manifest,
        """
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
         "config":%s,"layers":[%s]}\
        """
            .formatted(
                descriptor("config.v1+json", store(config, blobs), config),
                String.join(",", descriptors)));
    String blob = store(manifest, blobs);
    long size = Files.size(manifest);
    Files.writeString(layout.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
    Files.writeString(
        layout.resolve("index.json"),
        names.stream()
            .map(name -> named(name, blob, size))
            .collect(Collectors.joining(",", "{\"schemaVersion\":2,\"manifests\":[", "]}")));
  }

  /// Names the images of `layout` and of `other` together `image`, as one for many machines.
  static void addIndex(Path layout, Path other) throws IOException {
    Path blobs = layout.resolve("blobs/sha256");
    TestRuntime.RUNNER.text(
        "cp", "-rT", other.resolve("blobs").toString(), layout.resolve("blobs").toString());
    Path index = layout.resolve("many.json");
    Files.writeString(
        index,
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[%s,%s]}"
            .formatted(forMachine(layout, "s390x"), forMachine(other, "amd64")));
    String blob = store(index, blobs);
    Files.writeString(
        layout.resolve("index.json"),
        """
        {"schemaVersion":2,"manifests":[
         {"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:%s","size":%d,
          "annotations":{"org.opencontainers.image.ref.name":"image"}}]}\
        """
            .formatted(blob, Files.size(index)));
  }

  private static String forMachine(Path layout, String architecture) throws IOException {
    Path manifest = layout.resolve("manifest.json");
    return """
    {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%d,
     "platform":{"os":"linux","architecture":"%s"}}\
    """
        .formatted(digest(manifest), Files.size(manifest), architecture);
  }

  private static String named(String name, String blob, long size) {
    return """
    {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%d,
     "annotations":{"org.opencontainers.image.ref.name":"%s"}}\
    """
        .formatted(blob, size, name);
  }

  private static String descriptor(String type, String hash, Path file) throws IOException {
    return "{\"mediaType\":\"application/vnd.oci.image.%s\",\"digest\":\"sha256:%s\",\"size\":%d}"
        .formatted(type, hash, Files.size(file));
  }

  private static String store(Path file, Path blobs) throws IOException {
    String hash = digest(file);
    Files.copy(file, blobs.resolve(hash), StandardCopyOption.REPLACE_EXISTING);
    return hash;
  }

  private static String digest(Path file) {
    return TestRuntime.RUNNER.text("sha256sum", file.toString()).substring(0, 64);
  }
}
