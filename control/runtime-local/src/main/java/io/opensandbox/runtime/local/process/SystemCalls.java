package io.opensandbox.runtime.local.process;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/// Links functions of the C library that the JDK has no classes for.
public final class SystemCalls {
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

  private SystemCalls() {}

  /// A function that takes room for its error number, [#state], before its own parameters.
  ///
  /// @param fixed how many parameters come before the variable ones
  @SuppressWarnings("restricted") // the server is started with --enable-native-access
  public static MethodHandle function(String name, FunctionDescriptor type, int fixed) {
    Linker linker = Linker.nativeLinker();
    MemorySegment address = linker.defaultLookup().findOrThrow(name);
    Linker.Option errno = Linker.Option.captureCallState("errno");
    return type.argumentLayouts().size() > fixed
        ? linker.downcallHandle(address, type, errno, Linker.Option.firstVariadicArg(fixed))
        : linker.downcallHandle(address, type, errno);
  }

  /// Room for an error number.
  public static MemorySegment state(Arena arena) {
    return arena.allocate(STATE);
  }

  /// The error number of a call that has failed, errno(3).
  public static int errno(MemorySegment state) {
    return (int) ERRNO.get(state, 0L);
  }
}
