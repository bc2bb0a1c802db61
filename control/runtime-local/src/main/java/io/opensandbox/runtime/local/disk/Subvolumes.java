package io.opensandbox.runtime.local.disk;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.opensandbox.runtime.local.process.SystemCalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Objects;

/// Makes, limits and removes btrfs subvolumes by system call: each run of the `btrfs` program costs
/// some 5 ms of a processor, and a sandbox needs three. Numbers and layouts are those of the
/// kernel's `linux/btrfs.h`, the same on all machines with 64 bits.
final class Subvolumes {
  private static final int CREATE = 0x5000_940E;
  private static final int DESTROY = 0x5000_940F;
  private static final int LIMIT = 0x8030_942B;

  /// `BTRFS_QGROUP_LIMIT_MAX_RFER`: all that the subvolume refers to, shared or not.
  private static final long REFERENCED = 1;

  /// `O_RDONLY | O_DIRECTORY | O_CLOEXEC`; the second differs between machines.
  private static final int OPEN_DIRECTORY =
      02000000 | (System.getProperty("os.arch").equals("aarch64") ? 040000 : 0200000);

  private static final int NAME_BYTES = 4088;
  private static final int ENOENT = 2;
  private static final int EEXIST = 17;

  private static final MethodHandle OPEN =
      SystemCalls.function("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT), 2);
  private static final MethodHandle IOCTL =
      SystemCalls.function(
          "ioctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS), 2);
  private static final MethodHandle CLOSE =
      SystemCalls.function("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT), 1);

  private Subvolumes() {}

  /// Links the system calls now rather than in the first create.
  static void load() {
    Objects.requireNonNull(CLOSE);
  }

  /// Makes an empty one.
  ///
  /// @throws FileAlreadyExistsException when there is something at `path`
  static void create(Path path) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      call(path.resolveSibling(""), CREATE, named(arena, path), path, arena);
    }
  }

  /// Removes one with everything in it.
  ///
  /// @throws NoSuchFileException when there is none
  static void delete(Path path) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      call(path.resolveSibling(""), DESTROY, named(arena, path), path, arena);
    }
  }

  /// Lets no more than `bytes` be in one. Quotas must be on.
  static void limit(Path path, long bytes) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment arguments = arena.allocate(48, 8); // zero: the group of the subvolume itself
      arguments.set(JAVA_LONG, 8, REFERENCED);
      arguments.set(JAVA_LONG, 16, bytes);
      call(path, LIMIT, arguments, path, arena);
    }
  }

  /// `struct btrfs_ioctl_vol_args`: an unused descriptor and a name in the directory.
  private static MemorySegment named(Arena arena, Path path) {
    byte[] name = path.getFileName().toString().getBytes(StandardCharsets.UTF_8);
    if (name.length >= NAME_BYTES) {
      throw new IllegalArgumentException("the name of " + path + " is too long");
    }
    MemorySegment arguments = arena.allocate(Long.BYTES + NAME_BYTES, 8);
    MemorySegment.copy(name, 0, arguments, JAVA_BYTE, Long.BYTES, name.length);
    return arguments;
  }

  private static void call(
      Path directory, int request, MemorySegment arguments, Path about, Arena arena)
      throws IOException {
    MemorySegment state = SystemCalls.state(arena);
    MemorySegment name = arena.allocateFrom(directory.toAbsolutePath().toString());
    try {
      int descriptor = (int) OPEN.invokeExact(state, name, OPEN_DIRECTORY);
      check(descriptor, state, directory, "open");
      try {
        int result = (int) IOCTL.invokeExact(state, descriptor, (long) request, arguments);
        check(result, state, about, "use btrfs on");
      } finally {
        int _ = (int) CLOSE.invokeExact(state, descriptor);
      }
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("a system call threw", e);
    }
  }

  private static void check(int result, MemorySegment state, Path path, String what)
      throws IOException {
    if (result >= 0) {
      return;
    }
    int errno = SystemCalls.errno(state);
    throw switch (errno) {
      case ENOENT -> new NoSuchFileException(path.toString());
      case EEXIST -> new FileAlreadyExistsException(path.toString());
      default -> new IOException("cannot " + what + " " + path + ": error " + errno);
    };
  }
}
