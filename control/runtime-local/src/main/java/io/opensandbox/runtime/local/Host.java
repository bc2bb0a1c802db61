package io.opensandbox.runtime.local;

import io.opensandbox.runtime.local.process.Runner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What the runtime needs to know of the machine.
final class Host {
  private static final int DEFAULT_MTU = 1500;
  private static final Pattern DEFAULT_DEVICE = Pattern.compile("(?m)^default .*?\\bdev (\\S+)");
  private static final List<String> RESOLVERS =
      List.of("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf");
  private static final List<String> TOOLS =
      List.of("bwrap", "busybox", "cp", "ip", "nft", "rm", "svlogd", "unshare");
  private static final String ALL_IDS = "4294967295";
  private static final Path TUNNEL_DEVICE = Path.of("/dev/net/tun");

  private final Runner runner;

  Host(Runner runner) {
    this.runner = runner;
  }

  /// What is missing to run sandboxes here, one sentence each; empty when all is well.
  List<String> missing() {
    List<String> missing = new ArrayList<>();
    if (!isRoot()) {
      missing.add(
          "it does not run as root; an ordinary user starts it through control/server/bin/rootless,"
              + " as opensandbox-server does");
    }
    if (isRootless() && !Files.isWritable(TUNNEL_DEVICE)) {
      missing.add("an ordinary user cannot open " + TUNNEL_DEVICE + " (mode 0666 is usual)");
    }
    String script = "for tool; do command -v \"$tool\" >/dev/null || echo \"$tool\"; done";
    List<String> argv = new ArrayList<>(List.of("sh", "-c", script, "sh"));
    argv.addAll(TOOLS);
    if (isRootless()) {
      argv.add("pasta");
    }
    runner
        .check(Runner.Command.of(argv))
        .stdout()
        .lines()
        .forEach(tool -> missing.add("there is no " + tool));
    return missing;
  }

  private static boolean isRoot() {
    return lines("/proc/self/status").stream()
        .filter(line -> line.startsWith("Uid:"))
        .anyMatch(line -> line.split("\\s+", -1)[2].equals("0"));
  }

  /// Whether it is an ordinary user of the host who is root only in a namespace of their own.
  boolean isRootless() {
    return !isIdentity(lines("/proc/self/uid_map"));
  }

  /// Whether root in our namespace has other users besides itself to give to sandboxes.
  boolean hasUsers() {
    return lines("/proc/self/uid_map").stream()
            .mapToLong(line -> Long.parseLong(line.strip().split("\\s+", -1)[2]))
            .sum()
        > 1;
  }

  private static boolean isIdentity(List<String> map) {
    return map.size() == 1
        && List.of(map.getFirst().strip().split("\\s+", -1)).equals(List.of("0", "0", ALL_IDS));
  }

  /// Groups of this process, text of `/proc/self/cgroup`.
  List<String> groups() {
    return lines("/proc/self/cgroup");
  }

  /// `amd64` or `arm64`, or the kernel's word for anything else.
  String architecture() {
    String machine = runner.text("uname", "-m").strip();
    return switch (machine) {
      case "x86_64" -> "amd64";
      case "aarch64" -> "arm64";
      default -> machine;
    };
  }

  long memoryBytes() {
    return lines("/proc/meminfo").stream()
        .filter(line -> line.startsWith("MemTotal:"))
        .mapToLong(line -> Long.parseLong(line.split("\\s+", -1)[1]) * 1024)
        .sum();
  }

  List<String> mounts() {
    return lines("/proc/self/mountinfo");
  }

  List<String> routes() {
    return runner.text("ip", "-4", "route", "show", "table", "all").lines().toList();
  }

  /// Largest packet of the interface that leads out.
  int mtu() {
    Matcher device = DEFAULT_DEVICE.matcher(String.join("\n", routes()));
    if (!device.find()) {
      return DEFAULT_MTU;
    }
    return Integer.parseInt(lines("/sys/class/net/" + device.group(1) + "/mtu").getFirst());
  }

  /// Text of `/etc/resolv.conf` for sandboxes.
  String resolvConf() {
    return resolvConf(
        RESOLVERS.stream()
            .filter(file -> Files.isReadable(Path.of(file)))
            .map(Host::lines)
            .toList());
  }

  /// The first of the host's that names a resolver beyond its loopback, which sandboxes cannot
  /// reach, without those on it; else public ones.
  static String resolvConf(List<List<String>> files) {
    for (List<String> file : files) {
      List<String> kept = new ArrayList<>(file);
      kept.removeIf(line -> line.matches("\\s*nameserver\\s+(127\\.|::1|fe80:).*"));
      kept.removeIf(line -> line.isBlank() || line.startsWith("#"));
      if (kept.stream().anyMatch(line -> line.startsWith("nameserver"))) {
        return String.join("\n", kept) + "\n";
      }
    }
    return "nameserver 8.8.8.8\nnameserver 8.8.4.4\n";
  }

  private static List<String> lines(String file) {
    try {
      return Files.readAllLines(Path.of(file));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }
}
