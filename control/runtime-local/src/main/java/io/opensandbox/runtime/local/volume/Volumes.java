package io.opensandbox.runtime.local.volume;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import io.opensandbox.runtime.VolumeMount;
import io.opensandbox.runtime.local.disk.Disk;
import io.opensandbox.runtime.local.image.LayeredRoot;
import io.opensandbox.runtime.local.process.Runner;
import io.opensandbox.runtime.local.record.SandboxRecord.Mount;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/// Finds, makes and removes the volumes of sandboxes.
public final class Volumes {
  private static final String DATA = "_data";
  private static final List<String> RESERVED = List.of("/opt/opensandbox", "/proc", "/sys", "/dev");

  private final Disk disk;
  private final long bytes;
  private final Path directory;
  private final Path trash;
  private final List<Path> allowedHostPaths;

  /// @param disk on which they are
  /// @param bytes that each named volume may take, where the disk has quotas
  /// @param directory holds named volumes
  /// @param trash where removed volumes go until their files are deleted
  public Volumes(Disk disk, long bytes, Path directory, Path trash, List<Path> allowedHostPaths) {
    this.disk = disk;
    this.bytes = bytes;
    this.directory = directory;
    this.trash = trash;
    this.allowedHostPaths = List.copyOf(allowedHostPaths);
    try {
      Files.createDirectories(directory);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make " + directory, e);
    }
  }

  /// Mounts for a sandbox.
  ///
  /// @param mounts real sources and targets, outer targets first
  /// @param owned named volumes that this call made and that go with the sandbox
  /// @param made every named volume that this call made, to be removed when the create fails
  public record Prepared(List<Mount> mounts, List<String> owned, List<String> made) {}

  /// Refuses what [#prepare] would refuse whatever the image, making nothing.
  public void check(List<VolumeMount> volumes) {
    for (VolumeMount volume : volumes) {
      switch (volume) {
        case VolumeMount.Host host -> requireAllowed(host, wanted(host), allowedHostPaths);
        case VolumeMount.Named named -> requireThere(named);
        case VolumeMount.Ossfs ossfs -> throw unsupported(ossfs);
      }
      requireFree(volume, Path.of(volume.mountPath()).normalize().toString());
    }
  }

  private static SandboxException unsupported(VolumeMount.Ossfs volume) {
    return new SandboxException(
        ErrorCode.VOLUME_INVALID_BACKEND,
        "volume \"" + volume.name() + "\": the local runtime has no ossfs volumes");
  }

  /// Checks and prepares the volumes of one sandbox; when one fails those made are removed again.
  ///
  /// Throws the contract's `VOLUME::` codes.
  public Prepared prepare(List<VolumeMount> volumes, LayeredRoot root) {
    List<Mount> mounts = new ArrayList<>();
    List<String> owned = new ArrayList<>();
    List<String> made = new ArrayList<>();
    try {
      for (VolumeMount volume : volumes) {
        mounts.add(mount(volume, root, owned, made));
      }
      mounts.sort(Comparator.comparingInt(mount -> mount.target().length()));
      refuseNesting(mounts);
    } catch (RuntimeException e) {
      made.forEach(this::remove);
      throw e;
    }
    return new Prepared(mounts, owned, made);
  }

  /// The mounts of a sandbox in a copy of it. Whoever was in it may have put links above the places
  /// of its volumes: they are followed inside the copy's root.
  public static List<Mount> inCopy(List<Mount> mounts, LayeredRoot root) {
    List<Mount> found = new ArrayList<>();
    for (Mount mount : mounts) {
      String target = root.resolve(mount.target());
      if (isReserved(target)) {
        throw new SandboxException(
            ErrorCode.VOLUME_INVALID_MOUNT_PATH,
            "mountPath \"%s\" leads to \"%s\" by now, which is reserved"
                .formatted(mount.target(), target));
      }
      found.add(new Mount(mount.source(), target, mount.readOnly()));
    }
    found.sort(Comparator.comparingInt(mount -> mount.target().length()));
    refuseNesting(found);
    return found;
  }

  private Mount mount(VolumeMount volume, LayeredRoot root, List<String> owned, List<String> made) {
    Path source =
        switch (volume) {
          case VolumeMount.Host host -> hostPath(host);
          case VolumeMount.Named named -> namedPath(named, owned, made);
          case VolumeMount.Ossfs ossfs -> throw unsupported(ossfs);
        };
    return new Mount(source.toString(), target(volume, root), volume.readOnly());
  }

  private static String target(VolumeMount volume, LayeredRoot root) {
    String target = root.resolve(volume.mountPath());
    requireFree(volume, target);
    return target;
  }

  private static void requireFree(VolumeMount volume, String target) {
    if (isReserved(target)) {
      throw new SandboxException(
          ErrorCode.VOLUME_INVALID_MOUNT_PATH,
          "volume \"%s\": mountPath \"%s\" is reserved"
              .formatted(volume.name(), volume.mountPath()));
    }
  }

  private static boolean isReserved(String target) {
    return target.equals("/")
        || RESERVED.stream().anyMatch(path -> target.equals(path) || target.startsWith(path + "/"));
  }

  /// Call with the outer targets first. A mount point inside another volume could be swapped for a
  /// link by whoever else has that volume while it is being mounted.
  private static void refuseNesting(List<Mount> mounts) {
    for (int i = 0; i < mounts.size(); i++) {
      String outer = mounts.get(i).target();
      for (Mount inner : mounts.subList(i + 1, mounts.size())) {
        if ((inner.target() + "/").startsWith(outer + "/")) {
          throw new SandboxException(
              ErrorCode.VOLUME_INVALID_MOUNT_PATH,
              "mountPath \"%s\" lies in the volume at \"%s\"".formatted(inner.target(), outer));
        }
      }
    }
  }

  private static Path wanted(VolumeMount.Host volume) {
    return Path.of(volume.path()).resolve(volume.subPath().orElse("")).normalize();
  }

  private Path hostPath(VolumeMount.Host volume) {
    Path wanted = wanted(volume);
    requireAllowed(volume, wanted, allowedHostPaths);
    try {
      Path real = followLinks(wanted);
      List<Path> prefixes = new ArrayList<>();
      for (Path prefix : allowedHostPaths) {
        prefixes.add(Files.exists(prefix) ? prefix.toRealPath() : prefix);
      }
      requireAllowed(volume, real, prefixes);
      if (!Files.exists(real)) {
        Folders.make(real);
      }
      return real;
    } catch (IOException e) {
      throw new SandboxException(
          ErrorCode.VOLUME_HOST_PATH_CREATE_FAILED,
          "volume \"%s\": cannot make \"%s\": %s".formatted(volume.name(), wanted, e.getMessage()),
          e);
    }
  }

  /// With the links followed in the part of the path that is there.
  private static Path followLinks(Path path) throws IOException {
    Path there = path;
    while (!Files.exists(there, LinkOption.NOFOLLOW_LINKS) && there.getParent() != null) {
      there = there.getParent();
    }
    return there.toRealPath().resolve(there.relativize(path)).normalize();
  }

  private static void requireAllowed(VolumeMount volume, Path path, List<Path> prefixes) {
    boolean allowed =
        prefixes.stream()
            .anyMatch(prefix ->
                path.equals(prefix) || (prefix.getNameCount() > 0 && path.startsWith(prefix)));
    if (!allowed) {
      throw new SandboxException(
          ErrorCode.VOLUME_HOST_PATH_NOT_ALLOWED,
          "volume \"%s\": host path \"%s\" is not below an allowed path"
              .formatted(volume.name(), path));
    }
  }

  private Path namedPath(VolumeMount.Named volume, List<String> owned, List<String> made) {
    Path data = directory.resolve(volume.claimName()).resolve(DATA);
    requireThere(volume);
    if (!Files.isDirectory(data)) {
      if (make(volume, data)) {
        made.add(volume.claimName());
        if (volume.deleteWithSandbox()) {
          owned.add(volume.claimName());
        }
      }
    }
    return below(volume, data);
  }

  private void requireThere(VolumeMount.Named volume) {
    if (!volume.createIfMissing()
        && !Files.isDirectory(directory.resolve(volume.claimName()).resolve(DATA))) {
      throw new SandboxException(
          ErrorCode.VOLUME_PVC_NOT_FOUND,
          "volume \"%s\": there is no volume named \"%s\""
              .formatted(volume.name(), volume.claimName()));
    }
  }

  /// @return false when another sandbox made it at the same moment
  private synchronized boolean make(VolumeMount.Named volume, Path data) {
    try {
      disk.makeRoom(directory.resolve(volume.claimName()), bytes);
      Files.createDirectory(data);
      Files.setAttribute(data, "unix:mode", 0755);
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    } catch (IOException | Runner.RunFailure e) {
      throw new SandboxException(
          ErrorCode.VOLUME_PVC_INSPECT_FAILED,
          "volume \"%s\": cannot make volume \"%s\"".formatted(volume.name(), volume.claimName()),
          e);
    }
  }

  private static Path below(VolumeMount.Named volume, Path data) {
    Path wanted = data.resolve(volume.subPath().orElse("")).normalize();
    if (!wanted.startsWith(data)) {
      throw escape(volume);
    }
    try {
      Path real = data.toRealPath();
      if (!Files.exists(wanted)) {
        makeBelow(volume, real.resolve(data.relativize(wanted)));
      }
      Path found = wanted.toRealPath();
      if (!found.startsWith(real)) {
        throw escape(volume);
      }
      return found;
    } catch (IOException e) {
      throw new SandboxException(
          ErrorCode.VOLUME_PVC_INSPECT_FAILED,
          "volume \"%s\": cannot open \"%s\" in volume \"%s\""
              .formatted(volume.name(), volume.subPath().orElse(""), volume.claimName()),
          e);
    }
  }

  private static void makeBelow(VolumeMount volume, Path folder) throws IOException {
    try {
      Folders.make(folder);
    } catch (NotDirectoryException e) {
      if (Files.isSymbolicLink(Path.of(e.getFile()))) {
        throw escape(volume);
      }
      throw e;
    }
  }

  private static SandboxException escape(VolumeMount volume) {
    return new SandboxException(
        ErrorCode.VOLUME_INVALID_SUB_PATH,
        "volume \"%s\": subPath \"%s\" leads out of the volume"
            .formatted(volume.name(), volume.subPath().orElse("")));
  }

  /// Removes a named volume unless one of `inUse` (real paths) lies in it; absent is fine.
  public void removeUnused(String claimName, Set<String> inUse) {
    Path volume = directory.resolve(claimName);
    if (inUse.stream().noneMatch(path -> Path.of(path).startsWith(volume))) {
      remove(claimName);
    }
  }

  private void remove(String claimName) {
    Path volume = directory.resolve(claimName);
    if (Files.exists(volume)) {
      try {
        Files.move(
            volume, trash.resolve("volume-" + UUID.randomUUID()), StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot remove volume " + claimName, e);
      }
    }
  }
}
