package io.opensandbox.e2e.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.e2e.testbed.ServerProcess;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Each test has a server, and with it an engine, of its own.
class LocalPoolIT extends PoolTck {
  @Override
  ServerProcess start(Path state) {
    return ServerProcess.startLocal(state);
  }

  @Override
  Set<String> onTheEngine(Path state, String pool) {
    Path disk = state.resolve("local/disk/sandboxes");
    Path sandboxes = Files.isDirectory(disk) ? disk : state.resolve("local/sandboxes");
    try (Stream<Path> found = Files.list(sandboxes)) {
      return found.map(path -> path.getFileName().toString()).collect(Collectors.toSet());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// With the process outside that would note the exit status.
  @Override
  void killAll(String id) {
    List<ProcessHandle> processes = processes(id);
    assertThat(processes).isNotEmpty();
    processes.forEach(ProcessHandle::destroyForcibly);
  }

  /// Network namespaces, cables, cgroups and mounts.
  @Override
  Set<String> leftOnTheHost(Path state) {
    Path data = state.resolve("local");
    String prefix = prefix(data);
    Set<String> left = new TreeSet<>(names("/run/netns", prefix));
    left.addAll(names("/sys/class/net", prefix));
    left.addAll(names("/sys/fs/cgroup", prefix));
    for (String hierarchy : names("/sys/fs/cgroup", "")) {
      left.addAll(names("/sys/fs/cgroup/" + hierarchy, prefix));
    }
    try (Stream<String> mounts = Files.lines(Path.of("/proc/self/mountinfo"))) {
      mounts.filter(mount -> mount.contains(" " + data + "/")).forEach(left::add);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return left;
  }

  /// Begins the name of everything that a server with this directory makes.
  private static String prefix(Path data) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(data.toString().getBytes(UTF_8));
      return "osl" + HexFormat.of().formatHex(digest).substring(0, 6);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<String> names(String directory, String prefix) {
    String[] found = new File(directory).list((_, name) -> name.startsWith(prefix));
    return found == null ? List.of() : List.of(found);
  }

  /// What is in a cgroup of that name.
  private static List<ProcessHandle> processes(String id) {
    return ProcessHandle.allProcesses().filter(process -> isIn(process, id)).toList();
  }

  private static boolean isIn(ProcessHandle process, String group) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(process.pid()), "cgroup"))
          .contains("/" + group);
    } catch (IOException e) {
      return false; // it has ended
    }
  }
}
