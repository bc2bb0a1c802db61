package io.opensandbox.runtime.docker.volume;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.VolumeMount;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// OSS buckets that are mounted on this machine, each once for all sandboxes that ask for it with
/// the same endpoint, options and credentials: these are in the name of the folder, as a digest, so
/// that nobody gets what another one's credentials opened. Who uses a mount is read from the labels
/// of the containers, which outlive a server; of what will have a container soon, other servers
/// that mount in the same place know by a lock.
final class OssfsMounts {
  private static final Logger log = LoggerFactory.getLogger(OssfsMounts.class);
  private static final Duration MOUNT_LIMIT = Duration.ofSeconds(30);
  private static final Duration UNMOUNT_LIMIT = Duration.ofSeconds(20);
  private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{32}");

  private final Path root;
  private final MountHost host;
  private final Path credentials;
  private final Supplier<Set<String>> used;
  private final BucketLocks locks;
  private final SecureRandom random = new SecureRandom();

  // Folders of sandboxes that have no container yet, by the sandbox. Guarded by this.
  private final Map<String, Set<Path>> held = new HashMap<>();

  /// @param root absolute when something is mounted
  /// @param credentials where the tools find them while they mount
  /// @param used the folders that containers have
  OssfsMounts(Path root, MountHost host, Path credentials, Supplier<Set<String>> used) {
    this.root = root;
    this.host = host;
    this.credentials = credentials;
    this.used = used;
    this.locks = new BucketLocks(root);
  }

  /// Mounts the bucket unless it is; gives the folder, which stays until [#release].
  ///
  /// @param sandbox that is to have it
  synchronized Path hold(VolumeMount.Ossfs bucket, String sandbox) {
    Path folder = folder(bucket);
    try {
      locks.enter(folder);
      try {
        mountUnlessMounted(bucket, folder);
        locks.need(folder);
      } finally {
        locks.leave(folder);
      }
    } catch (IOException e) {
      throw new SandboxException(
          ErrorCode.VOLUME_OSSFS_MOUNT_FAILED,
          "volume \""
              + bucket.name()
              + "\": cannot mount bucket \""
              + bucket.bucket()
              + "\": "
              + masked(String.valueOf(e.getMessage()), bucket),
          e);
    }
    held.computeIfAbsent(sandbox, _ -> new HashSet<>()).add(folder);
    return folder;
  }

  private void mountUnlessMounted(VolumeMount.Ossfs bucket, Path folder) throws IOException {
    if (host.mountsBelow(root).contains(folder)) {
      return;
    }
    try {
      Files.createDirectories(folder);
      mount(bucket, folder);
    } catch (IOException e) {
      removeFolders(folder);
      throw e;
    }
  }

  /// Lets go of the folders of a sandbox that has its container now, or is not to be.
  synchronized void release(String sandbox) {
    Set<Path> folders = held.remove(sandbox);
    if (folders == null) {
      return;
    }
    for (Path folder : folders) {
      if (!isHeld(folder)) {
        unlock(folder, locks::forget);
      }
    }
  }

  private static void unlock(Path folder, Unlocking how) {
    try {
      how.unlock(folder);
    } catch (IOException e) {
      log.warn("cannot unlock {}: {}", folder, e.getMessage());
    }
  }

  @FunctionalInterface
  private interface Unlocking {
    void unlock(Path folder) throws IOException;
  }

  private boolean isHeld(Path folder) {
    return held.values().stream().anyMatch(folders -> folders.contains(folder));
  }

  /// Unmounts what neither a container has nor anybody holds; gives how many.
  synchronized int removeUnused() {
    List<Path> entered = new ArrayList<>();
    try {
      for (Path folder : host.mountsBelow(root)) {
        if (isOwn(folder) && !isHeld(folder) && locks.enterAlone(folder)) {
          entered.add(folder);
        }
      }
      // Asked only now: what others held before has its container.
      Set<String> inUse = entered.isEmpty() ? Set.of() : used.get();
      return (int)
          entered.stream()
              .filter(folder -> !inUse.contains(folder.toString()) && unmount(folder))
              .count();
    } catch (IOException e) {
      log.warn("cannot see to what is mounted below {}: {}", root, e.getMessage());
      return 0;
    } finally {
      entered.forEach(folder -> unlock(folder, locks::leave));
    }
  }

  // What others mounted there has other names.
  private boolean isOwn(Path folder) {
    Path relative = root.relativize(folder);
    return relative.getNameCount() == 2 && DIGEST.matcher(relative.getName(0).toString()).matches();
  }

  private Path folder(VolumeMount.Ossfs bucket) {
    return root.resolve(digest(bucket)).resolve(bucket.bucket());
  }

  private static String digest(VolumeMount.Ossfs bucket) {
    Stream<String> parts =
        Stream.concat(
            Stream.of(
                bucket.version(),
                endpoint(bucket),
                prefix(bucket),
                bucket.accessKeyId(),
                bucket.accessKeySecret()),
            bucket.options().stream());
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      parts.forEach(part -> sha256.update((part + "\n").getBytes(StandardCharsets.UTF_8)));
      return HexFormat.of().formatHex(sha256.digest(), 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static String endpoint(VolumeMount.Ossfs bucket) {
    String given = bucket.endpoint();
    return given.startsWith("http://") || given.startsWith("https://") ? given : "https://" + given;
  }

  private static String prefix(VolumeMount.Ossfs bucket) {
    return Path.of(bucket.subPath().orElse("")).normalize().toString();
  }

  private void mount(VolumeMount.Ossfs bucket, Path folder) throws IOException {
    boolean first = bucket.version().equals("1.0");
    String digits = digits();
    Path file =
        credentials.resolve(
            first
                ? "opensandbox-ossfs-inline-" + digits
                : "opensandbox-ossfs2-" + digits + ".conf");
    List<String> argv = new ArrayList<>();
    String content;
    if (first) {
      String prefix = prefix(bucket).isEmpty() ? "" : ":/" + prefix(bucket);
      argv.addAll(List.of("ossfs", bucket.bucket() + prefix, folder.toString()));
      argv.addAll(List.of("-o", "url=" + endpoint(bucket), "-o", "passwd_file=" + file));
      bucket.options().forEach(option -> argv.addAll(List.of("-o", option)));
      content =
          bucket.bucket() + ":" + bucket.accessKeyId() + ":" + bucket.accessKeySecret() + "\n";
    } else {
      argv.addAll(List.of("ossfs2", "mount", folder.toString(), "-c", file.toString()));
      content = configuration(bucket);
    }
    argv.set(0, host.find(argv.getFirst()).orElseThrow().toString());
    try {
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(file, content, StandardOpenOption.TRUNCATE_EXISTING);
      host.run(argv, MOUNT_LIMIT);
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private String digits() {
    byte[] bytes = new byte[16];
    random.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  private static String configuration(VolumeMount.Ossfs bucket) {
    List<String> lines = new ArrayList<>();
    lines.add("oss_endpoint=" + endpoint(bucket));
    lines.add("oss_bucket=" + bucket.bucket());
    lines.add("oss_access_key_id=" + bucket.accessKeyId());
    lines.add("oss_access_key_secret=" + bucket.accessKeySecret());
    if (!prefix(bucket).isEmpty()) {
      lines.add("oss_bucket_prefix=" + prefix(bucket) + "/");
    }
    lines.addAll(bucket.options());
    return lines.stream().map(line -> "--" + line + "\n").reduce("", String::concat);
  }

  private static String masked(String text, VolumeMount.Ossfs bucket) {
    return text.replace(bucket.accessKeySecret(), "***").replace(bucket.accessKeyId(), "***");
  }

  private boolean unmount(Path folder) {
    List<String> reasons = new ArrayList<>();
    for (List<String> command : List.of(List.of("fusermount", "-u"), List.of("umount"))) {
      var program = host.find(command.getFirst());
      if (program.isEmpty()) {
        reasons.add(command.getFirst() + " is not installed");
        continue;
      }
      List<String> argv = new ArrayList<>(command);
      argv.set(0, program.get().toString());
      argv.add(folder.toString());
      try {
        host.run(argv, UNMOUNT_LIMIT);
        removeFolders(folder);
        return true;
      } catch (IOException e) {
        reasons.add(String.valueOf(e.getMessage()));
      }
    }
    log.warn("VOLUME::OSSFS_UNMOUNT_FAILED: cannot unmount {}: {}", folder, reasons);
    return false;
  }

  /// Only what is empty goes.
  private static void removeFolders(Path folder) {
    try {
      Files.deleteIfExists(folder);
      Path parent = folder.getParent();
      if (parent != null) {
        Files.deleteIfExists(parent);
      }
    } catch (IOException e) {
      log.debug("the folder of a mount stays: {}", e.getMessage());
    }
  }
}
