package io.opensandbox.runtime.local;

import io.opensandbox.runtime.RuntimeSandbox;
import io.opensandbox.runtime.local.record.SandboxRecord;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/// Tells people about one sandbox, with secrets masked.
final class Description {
  private static final Pattern SECRET = Pattern.compile("(?i)SECRET|TOKEN|PASSWORD|KEY");
  private static final double BILLION = 1e9;
  private static final long MEBI = 1 << 20;

  private Description() {}

  static String of(RuntimeSandbox seen, SandboxRecord record, String address, String bindAddress) {
    StringBuilder text = new StringBuilder();
    line(text, "Sandbox ID", seen.id());
    line(text, "Runtime", "local");
    line(text, "Image", seen.imageReference());
    line(text, "Status", seen.state().name().toLowerCase(java.util.Locale.ROOT));
    line(text, "Running", Boolean.toString(seen.state() == RuntimeSandbox.State.RUNNING));
    line(text, "Paused", Boolean.toString(seen.state() == RuntimeSandbox.State.PAUSED));
    line(text, "OOMKilled", Boolean.toString(seen.outOfMemory()));
    seen.exitCode().ifPresent(code -> line(text, "Exit Code", Integer.toString(code)));
    line(text, "Created At", seen.createdAt().toString());
    seen.finishedAt().ifPresent(at -> line(text, "Finished At", at.toString()));
    if (!seen.error().isEmpty()) {
      line(text, "Error", seen.error());
    }
    resources(text, record);
    text.append("Network:\n  local: ").append(address).append('\n');
    text.append("Ports:\n");
    port(text, 44772, bindAddress, record.network().execdPort());
    port(text, 8080, bindAddress, record.network().httpPort());
    text.append("Mounts:\n");
    record.mounts().forEach(mount -> text.append("  ").append(mount.target()).append('\n'));
    map(text, "Labels:", record.labels());
    map(text, "Environment:", record.process().env());
    return text.toString();
  }

  private static void resources(StringBuilder text, SandboxRecord record) {
    text.append("Resources:\n");
    Long nanoCpus = record.nanoCpus();
    Long memory = record.memoryBytes();
    Long pids = record.pids();
    text.append("  CPU: ")
        .append(nanoCpus == null ? "unlimited" : "%.2f cores".formatted(nanoCpus / BILLION))
        .append('\n');
    text.append("  Memory: ")
        .append(memory == null ? "unlimited" : memory / MEBI + " MiB")
        .append('\n');
    text.append("  PIDs Limit: ").append(pids == null ? "unlimited" : pids).append('\n');
    disk(text, record);
  }

  private static void disk(StringBuilder text, SandboxRecord record) {
    Long disk = record.diskBytes();
    text.append("  Disk: ").append(disk == null ? "unlimited" : disk / MEBI + " MiB").append('\n');
  }

  private static void port(StringBuilder text, int port, String bindAddress, int hostPort) {
    text.append("  %d/tcp -> %s:%d\n".formatted(port, bindAddress, hostPort));
  }

  private static void line(StringBuilder text, String name, String value) {
    text.append(name).append(": ").append(value).append('\n');
  }

  private static void map(StringBuilder text, String title, Map<String, String> values) {
    text.append(title).append('\n');
    Set<Map.Entry<String, String>> sorted = new TreeMap<>(values).entrySet();
    for (Map.Entry<String, String> entry : sorted) {
      boolean secret = !entry.getValue().isEmpty() && SECRET.matcher(entry.getKey()).find();
      text.append("  ")
          .append(entry.getKey())
          .append('=')
          .append(secret ? "***" : entry.getValue())
          .append('\n');
    }
  }
}
