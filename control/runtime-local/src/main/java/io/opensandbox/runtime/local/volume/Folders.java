package io.opensandbox.runtime.local.volume;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.opensandbox.runtime.local.process.SystemCalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.AccessDeniedException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/// Makes folders below others that somebody else may change at any moment. `mkdir` by path would
/// follow a link that has come into the place of a folder, so each step goes from the folder that
/// is open to the next (openat(2), mkdirat(2)).
final class Folders {
  private static final boolean ARM = System.getProperty("os.arch").equals("aarch64");

  /// `O_PATH | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW`; the last two differ between machines.
  private static final int FOLDER = 012000000 | (ARM ? 040000 | 0100000 : 0200000 | 0400000);

  private static final int MODE = 0777; // less what the process's umask takes

  private static final int ENOENT = 2;
  private static final int EACCES = 13;
  private static final int EEXIST = 17;
  private static final int ENOTDIR = 20;
  private static final int ELOOP = 40;

  private static final MethodHandle OPEN =
      SystemCalls.function("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT), 2);
  private static final MethodHandle OPENAT =
      SystemCalls.function(
          "openat", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT), 3);
  private static final MethodHandle MKDIRAT =
      SystemCalls.function(
          "mkdirat", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT), 3);
  private static final MethodHandle CLOSE =
      SystemCalls.function("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT), 1);

  private Folders() {}

  /// Makes what is missing of a path.
  ///
  /// @param path absolute, normal
  /// @throws NotDirectoryException when a part of it is something else, such as a link
  static void make(Path path) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = SystemCalls.state(arena);
      Path at = path.getRoot();
      int folder = (int) OPEN.invokeExact(state, arena.allocateFrom("/"), FOLDER);
      check(folder, state, at);
      try {
        for (Path part : path) {
          at = at.resolve(part);
          int inner = step(folder, arena.allocateFrom(part.toString()), state, at);
          int _ = (int) CLOSE.invokeExact(state, folder);
          folder = inner;
        }
      } finally {
        int _ = (int) CLOSE.invokeExact(state, folder);
      }
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("a system call threw", e);
    }
  }

  private static int step(int folder, MemorySegment name, MemorySegment state, Path at)
      throws Throwable {
    int inner = (int) OPENAT.invokeExact(state, folder, name, FOLDER);
    if (inner < 0 && SystemCalls.errno(state) == ENOENT) {
      int made = (int) MKDIRAT.invokeExact(state, folder, name, MODE);
      if (made < 0 && SystemCalls.errno(state) != EEXIST) { // else another was quicker
        check(made, state, at);
      }
      inner = (int) OPENAT.invokeExact(state, folder, name, FOLDER);
    }
    check(inner, state, at);
    return inner;
  }

  private static void check(int result, MemorySegment state, Path at) throws IOException {
    if (result >= 0) {
      return;
    }
    int errno = SystemCalls.errno(state);
    throw switch (errno) {
      case EACCES -> new AccessDeniedException(at.toString());
      case ENOTDIR, ELOOP -> new NotDirectoryException(at.toString());
      default -> new IOException("cannot make " + at + ": error " + errno);
    };
  }
}
