package io.opensandbox.runtime.local.image;

import io.opensandbox.runtime.local.record.SandboxRecord.Tree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The image `host`: this machine's own programs.
///
/// `/usr` (and `/bin`, `/lib`, `/sbin` where they are not links into it) is used in place,
/// read-only below an overlay. Everything else is a skeleton of empty directories and a copy of
/// chosen parts of `/etc`: only what is listed here, and of that only what everybody may read, so a
/// secret that appears on the host tomorrow is not in it.
public final class HostImage {
  /// The reference that names it.
  public static final String REFERENCE = "host";

  private static final List<String> SYSTEM =
      List.of("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32");

  private static final List<String> ETC =
      List.of(
          "alternatives",
          "bash.bashrc",
          "ca-certificates",
          "ca-certificates.conf",
          "debian_version",
          "fonts",
          "gai.conf",
          "host.conf",
          "inputrc",
          "issue",
          "ld.so.cache",
          "ld.so.conf",
          "ld.so.conf.d",
          "locale.alias",
          "locale.gen",
          "localtime",
          "lsb-release",
          "magic",
          "magic.mime",
          "mailcap",
          "mime.types",
          "networks",
          "nsswitch.conf",
          "os-release",
          "pam.d",
          "perl",
          "profile",
          "profile.d",
          "protocols",
          "rpc",
          "services",
          "shells",
          "skel",
          "ssl/certs",
          "ssl/openssl.cnf",
          "terminfo",
          "timezone");

  private static final List<String> ETC_PREFIXES = List.of("java-", "python", "jupyter");

  private static final Map<String, String> DIRECTORIES =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("dev", "rwxr-xr-x"),
              Map.entry("etc", "rwxr-xr-x"),
              Map.entry("home", "rwxr-xr-x"),
              Map.entry("media", "rwxr-xr-x"),
              Map.entry("mnt", "rwxr-xr-x"),
              Map.entry("opt", "rwxr-xr-x"),
              Map.entry("proc", "r-xr-xr-x"),
              Map.entry("root", "rwx------"),
              Map.entry("run", "rwxr-xr-x"),
              Map.entry("srv", "rwxr-xr-x"),
              Map.entry("sys", "r-xr-xr-x"),
              Map.entry("tmp", "rwxrwxrwx"),
              Map.entry("var", "rwxr-xr-x"),
              Map.entry("var/cache", "rwxr-xr-x"),
              Map.entry("var/lib", "rwxr-xr-x"),
              Map.entry("var/log", "rwxr-xr-x"),
              Map.entry("var/spool", "rwxr-xr-x"),
              Map.entry("var/tmp", "rwxrwxrwx")));

  private static final int STICKY_FOR_ALL = 01777;

  private static final long FRESH_NANOS = java.util.concurrent.TimeUnit.SECONDS.toNanos(10);

  private final Path root;
  private final Layers layers;

  // Guarded by this.
  private @Nullable Image last;
  private long lastLookNanos;

  /// The image of the system whose root is `root`.
  public HostImage(Path root, Layers layers) {
    this.root = root;
    this.layers = layers;
  }

  /// The image as the host is now, or was up to ten seconds ago; a changed `/etc` gives another
  /// one.
  public synchronized Image current() {
    Image known = last;
    if (known == null || System.nanoTime() - lastLookNanos > FRESH_NANOS) {
      known = look();
      last = known;
      lastLookNanos = System.nanoTime();
    }
    return known;
  }

  private Image look() {
    String hash = fingerprint();
    String layer = "host-" + hash.substring(0, 16);
    layers.make(layer, this::fill);
    List<Tree> trees = new ArrayList<>();
    trees.add(new Tree("/", List.of(layer)));
    SYSTEM.stream()
        .filter(name -> Files.isDirectory(root.resolve(name), LinkOption.NOFOLLOW_LINKS))
        .forEach(name -> trees.add(new Tree("/" + name, List.of(root.resolve(name).toString()))));
    return new Image(
        REFERENCE, "sha256:" + hash, trees, Map.of("PATH", Image.DEFAULT_PATH), "", "/root");
  }

  private String fingerprint() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (Path file : chosen()) {
        BasicFileAttributes attributes =
            Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        String line =
            root.relativize(file) + " " + attributes.size() + " " + attributes.lastModifiedTime();
        digest.update(line.getBytes(StandardCharsets.UTF_8));
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look at " + root.resolve("etc"), e);
    }
  }

  private void fill(Path layer) {
    try {
      for (Map.Entry<String, String> entry : DIRECTORIES.entrySet()) {
        Path made = Files.createDirectories(layer.resolve(entry.getKey()));
        Files.setPosixFilePermissions(made, PosixFilePermissions.fromString(entry.getValue()));
        if (entry.getValue().equals("rwxrwxrwx")) {
          Files.setAttribute(made, "unix:mode", STICKY_FOR_ALL);
        }
      }
      Files.createSymbolicLink(layer.resolve("var/run"), Path.of("/run"));
      Files.createSymbolicLink(layer.resolve("var/lock"), Path.of("/run/lock"));
      for (String name : SYSTEM) {
        makeSystemEntry(layer, name);
      }
      for (Path file : chosen()) {
        copy(file, layer.resolve(root.relativize(file)));
      }
      Files.write(layer.resolve("etc/passwd"), accounts("passwd"));
      Files.write(layer.resolve("etc/group"), accounts("group"));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot copy the host's /etc", e);
    }
  }

  private void makeSystemEntry(Path layer, String name) throws IOException {
    Path original = root.resolve(name);
    if (Files.isSymbolicLink(original)) {
      Files.createSymbolicLink(layer.resolve(name), Files.readSymbolicLink(original));
    } else if (Files.isDirectory(original)) {
      Files.createDirectory(layer.resolve(name));
    }
  }

  private List<Path> chosen() throws IOException {
    Path etc = root.resolve("etc");
    List<Path> found = new ArrayList<>();
    List<Path> roots = new ArrayList<>();
    ETC.forEach(name -> roots.add(etc.resolve(name)));
    try (var entries = Files.list(etc)) {
      entries
          .filter(path -> ETC_PREFIXES.stream().anyMatch(path.getFileName().toString()::startsWith))
          .sorted()
          .forEach(roots::add);
    }
    for (Path start : roots) {
      if (Files.exists(start, LinkOption.NOFOLLOW_LINKS)) {
        Files.walkFileTree(start, new Collector(found));
      }
    }
    return found;
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to.getParent());
    if (Files.isSymbolicLink(from)) {
      Files.createSymbolicLink(to, Files.readSymbolicLink(from));
    } else {
      Files.copy(from, to, java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
    }
  }

  /// The system's own accounts; people who log in to the host are nobody's business.
  private List<String> accounts(String file) throws IOException {
    List<String> kept = new ArrayList<>();
    for (String line : Files.readAllLines(root.resolve("etc").resolve(file))) {
      String[] fields = line.split(":", -1);
      if (fields.length > 3 && fields[2].matches("\\d{1,9}")) {
        int id = Integer.parseInt(fields[2]);
        if (id < 1000 || id == 65534) {
          // Where there is no shadow file the hash of a password stands here. The members of a
          // group are names of people, too.
          fields[1] = "x";
          kept.add(
              file.equals("group")
                  ? String.join(":", fields[0], "x", fields[2], "")
                  : String.join(":", fields));
        }
      }
    }
    return kept;
  }

  /// Collects links and the files that everybody may read.
  private static final class Collector extends SimpleFileVisitor<Path> {
    private final List<Path> found;

    private Collector(List<Path> found) {
      this.found = found;
    }

    /// What is below a directory that not everybody may enter is for those who may.
    @Override
    public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
        throws IOException {
      return Files.getPosixFilePermissions(directory).contains(PosixFilePermission.OTHERS_EXECUTE)
          ? FileVisitResult.CONTINUE
          : FileVisitResult.SKIP_SUBTREE;
    }

    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      if (attributes.isSymbolicLink()
          || (attributes.isRegularFile()
              && Files.getPosixFilePermissions(file).contains(PosixFilePermission.OTHERS_READ))) {
        found.add(file);
      }
      return FileVisitResult.CONTINUE;
    }
  }
}
