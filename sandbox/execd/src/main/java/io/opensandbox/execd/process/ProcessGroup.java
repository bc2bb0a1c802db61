package io.opensandbox.execd.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// What is left of a process group after its leader has been reaped. `ProcessHandle` compares start
/// times before it signals, so a number that was given to another process is never hit.
final class ProcessGroup {
  private static final Path PROC = Path.of("/proc");

  private final long id;

  ProcessGroup(long id) {
    this.id = id;
  }

  /// Waits up to `grace` for the members to go, kills the rest and waits up to `patience` for them.
  void end(Duration grace, Duration patience) {
    List<ProcessHandle> members = members();
    long deadline = System.nanoTime() + grace.toNanos();
    if (awaitAll(members, deadline)) {
      return;
    }
    members.forEach(ProcessHandle::destroyForcibly);
    awaitAll(members, System.nanoTime() + patience.toNanos());
  }

  private List<ProcessHandle> members() {
    List<ProcessHandle> members = new ArrayList<>();
    if (id <= 1 || Files.exists(PROC.resolve(Long.toString(id)))) {
      return members; // the leader lives, or its number is somebody else's by now
    }
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROC, "[0-9]*")) {
      for (Path process : processes) {
        if (groupOf(process) == id) {
          long pid = Long.parseLong(process.getFileName().toString());
          ProcessHandle.of(pid).ifPresent(members::add);
        }
      }
    } catch (IOException _) { // without /proc nobody can tell; the broker has signalled the group
      return members;
    }
    return members;
  }

  /// Field 5 of proc_pid_stat(5); -1 for a process that is gone or a zombie.
  private static long groupOf(Path process) {
    try {
      String stat = Files.readString(process.resolve("stat"), StandardCharsets.ISO_8859_1);
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", 4);
      return fields[0].equals("Z") ? -1 : Long.parseLong(fields[2]);
    } catch (IOException _) { // ended between listing and reading
      return -1;
    }
  }

  private static boolean awaitAll(List<ProcessHandle> members, long deadline) {
    for (ProcessHandle member : members) {
      try {
        long left = Math.max(0, deadline - System.nanoTime());
        member.onExit().get(left, TimeUnit.NANOSECONDS);
      } catch (TimeoutException _) {
        return false;
      } catch (ExecutionException e) {
        throw new IllegalStateException(e);
      } catch (InterruptedException _) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return true;
  }
}
