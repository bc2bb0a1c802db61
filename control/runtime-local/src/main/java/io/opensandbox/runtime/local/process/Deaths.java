package io.opensandbox.runtime.local.process;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Tells when processes end that are no children of this one, by one descriptor each
/// (pidfd_open(2)) and one thread for all (epoll(7)). The JDK would ask for each every five
/// seconds.
public final class Deaths implements AutoCloseable {
  /// The number of `pidfd_open` on all machines; older C libraries have no function for it.
  private static final long PIDFD_OPEN = 434;

  private static final int CLOSE_ON_EXEC = 02000000;
  private static final int ADD = 1;
  private static final int DELETE = 2;
  private static final int READABLE = 1;
  private static final int ESRCH = 3;
  private static final int EINTR = 4;

  /// `struct epoll_event` is packed on amd64 alone.
  private static final int DATA = System.getProperty("os.arch").equals("amd64") ? 4 : 8;

  private static final int EVENT_BYTES = DATA + 8;
  private static final int EVENTS = 64;

  private static final MethodHandle SYSCALL =
      SystemCalls.function(
          "syscall", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG), 1);
  private static final MethodHandle EPOLL_CREATE =
      SystemCalls.function("epoll_create1", FunctionDescriptor.of(JAVA_INT, JAVA_INT), 1);
  private static final MethodHandle EPOLL_CTL =
      SystemCalls.function(
          "epoll_ctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS), 4);
  private static final MethodHandle EPOLL_WAIT =
      SystemCalls.function(
          "epoll_wait", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT), 4);
  private static final MethodHandle EVENTFD =
      SystemCalls.function("eventfd", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT), 2);
  private static final MethodHandle CLOSE =
      SystemCalls.function("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT), 1);

  private final int poll;
  private final int end;
  private final Map<Integer, Runnable> watched = new ConcurrentHashMap<>();
  private final Thread thread;

  // Guarded by this.
  private boolean closed;

  /// Begins to wait, on a thread of its own.
  ///
  /// @throws IOException when the kernel has no more descriptors
  public Deaths() throws IOException {
    this.poll =
        (int) check("epoll_create1", state -> (int) EPOLL_CREATE.invokeExact(state, CLOSE_ON_EXEC));
    // Readable from the moment on when it is added.
    this.end = (int) check("eventfd", state -> (int) EVENTFD.invokeExact(state, 1, CLOSE_ON_EXEC));
    this.thread = Thread.ofPlatform().name("local-deaths").daemon().start(this::run);
  }

  /// Calls `ended` once when the process is gone, on the one thread that serves all: it must be
  /// short.
  ///
  /// @return false when there is no such process, or this was closed
  /// @throws IOException when the kernel does not let it be watched
  public synchronized boolean watch(long pid, Runnable ended) throws IOException {
    if (closed) {
      return false;
    }
    int process;
    try {
      process =
          (int)
              check("pidfd_open", state -> (long) SYSCALL.invokeExact(state, PIDFD_OPEN, pid, 0L));
    } catch (NoSuchProcess e) {
      return false;
    }
    watched.put(process, ended);
    try {
      control(ADD, process);
    } catch (IOException e) {
      watched.remove(process);
      release(process);
      throw e;
    }
    return true;
  }

  private void control(int operation, int descriptor) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment event = arena.allocate(EVENT_BYTES, 8);
      event.set(JAVA_INT, 0, READABLE);
      event.set(JAVA_INT_UNALIGNED, DATA, descriptor);
      check(
          "epoll_ctl",
          state -> (int) EPOLL_CTL.invokeExact(state, poll, operation, descriptor, event));
    }
  }

  private void run() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment events = arena.allocate((long) EVENT_BYTES * EVENTS, 8);
      while (true) {
        int count =
            (int)
                check(
                    "epoll_wait",
                    state -> (int) EPOLL_WAIT.invokeExact(state, poll, events, EVENTS, -1));
        for (int i = 0; i < count; i++) {
          int descriptor = events.get(JAVA_INT_UNALIGNED, (long) i * EVENT_BYTES + DATA);
          if (descriptor == end) {
            return;
          }
          ended(descriptor);
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException("cannot wait for the ends of processes", e);
    } finally {
      watched.keySet().forEach(Deaths::release);
      release(end);
      release(poll);
    }
  }

  private void ended(int descriptor) throws IOException {
    Runnable listener = watched.remove(descriptor);
    if (listener != null) {
      // Closing it is not enough while a child that is just being started has a copy.
      control(DELETE, descriptor);
      release(descriptor);
      listener.run();
    }
  }

  /// Never repeated: the descriptor is free even when this reports a failure, close(2).
  private static void release(int descriptor) {
    try (Arena arena = Arena.ofConfined()) {
      int _ = (int) CLOSE.invokeExact(SystemCalls.state(arena), descriptor);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("a system call threw", e);
    }
  }

  /// Ends the thread; nobody is told of anything after that.
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    try {
      control(ADD, end);
      thread.join();
    } catch (IOException e) {
      throw new IllegalStateException("cannot end waiting for processes", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static long check(String name, Call call) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = SystemCalls.state(arena);
      while (true) {
        long result = call.make(state);
        if (result >= 0) {
          return result;
        }
        int errno = SystemCalls.errno(state);
        if (errno == ESRCH) {
          throw new NoSuchProcess();
        }
        if (errno != EINTR) {
          throw new IOException(name + ": error " + errno);
        }
      }
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("a system call threw", e);
    }
  }

  private interface Call {
    long make(MemorySegment state) throws Throwable;
  }

  private static final class NoSuchProcess extends IOException {
    private static final long serialVersionUID = 1L;

    NoSuchProcess() {
      super("there is no such process");
    }
  }
}
