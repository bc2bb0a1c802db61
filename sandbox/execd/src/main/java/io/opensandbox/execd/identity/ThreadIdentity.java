package io.opensandbox.execd.identity;

import io.opensandbox.execd.process.Credentials;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// The identity with which one thread opens files, which Linux keeps for each thread apart. The
/// system calls are made directly, since the C library would change all threads.
final class ThreadIdentity {
  /// Asks without changing anything.
  private static final long NOBODY = -1;

  private final MethodHandle systemCall;
  private final Numbers numbers;

  /// The numbers of system calls (`asm/unistd.h`).
  private record Numbers(long setGroups, long setFsUid, long setFsGid) {
    static Numbers of(String machine) {
      return switch (machine) {
        case "amd64", "x86_64" -> new Numbers(116, 122, 123);
        case "aarch64" -> new Numbers(159, 151, 152);
        default -> throw new UnsupportedOperationException("no identities on " + machine);
      };
    }
  }

  /// @param machine as in the system property `os.arch`
  /// @throws UnsupportedOperationException on machines that are not known here
  @SuppressWarnings("restricted") // there is no other way to the kernel
  ThreadIdentity(String machine) {
    this.numbers = Numbers.of(machine);
    Linker linker = Linker.nativeLinker();
    this.systemCall =
        linker.downcallHandle(
            linker.defaultLookup().find("syscall").orElseThrow(),
            FunctionDescriptor.of(
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.ADDRESS),
            Linker.Option.firstVariadicArg(1));
  }

  /// Makes the calling thread, which must be a platform thread that serves nobody else, open files
  /// as somebody until it ends.
  ///
  /// @return false when this process may not do that
  boolean assume(Credentials who) {
    if (isNow(who)) {
      return true; // needs no right, and has the groups of this process
    }
    try (Arena arena = Arena.ofConfined()) {
      int[] ids = who.groups().stream().mapToInt(Long::intValue).toArray();
      // One more, because there is no address of nothing.
      MemorySegment groups = arena.allocate(ValueLayout.JAVA_INT, ids.length + 1L);
      MemorySegment.copy(ids, 0, groups, ValueLayout.JAVA_INT, 0, ids.length);
      boolean done = call(numbers.setGroups, ids.length, groups) == 0;
      set(numbers.setFsGid, who.gid());
      set(numbers.setFsUid, who.uid()); // takes the rights of root with it
      return done && isNow(who);
    }
  }

  private boolean isNow(Credentials who) {
    return is(numbers.setFsGid, who.gid()) && is(numbers.setFsUid, who.uid());
  }

  private void set(long number, long id) {
    call(number, id, MemorySegment.NULL);
  }

  private boolean is(long number, long id) {
    return Integer.toUnsignedLong((int) call(number, NOBODY, MemorySegment.NULL)) == id;
  }

  private long call(long number, long first, MemorySegment second) {
    try {
      return (long) systemCall.invokeExact(number, first, second);
    } catch (Throwable e) {
      throw new IllegalStateException("a system call cannot be made", e);
    }
  }
}
