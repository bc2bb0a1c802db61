package io.opensandbox.execd.kernel;

import io.opensandbox.execd.json.JsonWriter;
import io.opensandbox.execd.process.Executables;
import io.opensandbox.execd.process.ExitStatus;
import io.opensandbox.execd.process.ProcessSpec;
import io.opensandbox.execd.process.RunningProcess;
import io.opensandbox.execd.process.Spawner;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// Starts kernels from the kernelspecs in the sandbox, without a Jupyter server.
///
/// Each kernel gets its own ports on 127.0.0.1 and its own key, told to it in a connection file of
/// mode 0600 that is removed with the kernel.
public final class DirectKernels implements KernelSource {
  private static final Duration START_LIMIT = Duration.ofSeconds(60);
  private static final Duration HANDSHAKE_LIMIT = Duration.ofSeconds(10);
  private static final Duration CONNECT_PAUSE = Duration.ofMillis(5);
  private static final int ATTEMPTS = 3;
  private static final int PORTS = 5;

  private final Spawner spawner;
  private final Supplier<Map<String, String>> environment;
  private final Path directory;
  private final RandomGenerator random;
  private final Clock clock;

  /// Kernels of one sandbox.
  ///
  /// @param environment of the commands of this sandbox, asked for at each start
  /// @param directory for connection files; made when it is not there
  public DirectKernels(
      Spawner spawner,
      Supplier<Map<String, String>> environment,
      Path directory,
      RandomGenerator random,
      Clock clock) {
    this.spawner = spawner;
    this.environment = environment;
    this.directory = directory;
    this.random = random;
    this.clock = clock;
  }

  /// Whether a kernel for the language is installed.
  public boolean has(String language) {
    return KernelSpecs.of(environment.get()).find(language).isPresent();
  }

  @Override
  public Kernel open(String language, @Nullable Path workingDirectory) throws IOException {
    Map<String, String> env = environment.get();
    KernelSpec spec =
        KernelSpecs.of(env)
            .find(language)
            .orElseThrow(() ->
                new NoKernelException("no kernel is installed for language \"" + language + "\""));
    IOException last = null;
    // The ports are free when they are picked, but somebody else may bind one before the kernel
    // does.
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        return start(spec, env, workingDirectory);
      } catch (PortTaken e) {
        last = e;
      }
    }
    throw new IOException("cannot start kernel \"" + spec.name() + "\"", last);
  }

  private Kernel start(KernelSpec spec, Map<String, String> env, @Nullable Path workingDirectory)
      throws IOException {
    byte[] key = new byte[32];
    random.nextBytes(key);
    byte[] hexKey = HexFormat.of().formatHex(key).getBytes(StandardCharsets.US_ASCII);
    int[] ports = freePorts();
    Path file = writeConnectionFile(spec, ports, hexKey);
    RunningProcess process = null;
    try {
      process = spawner.start(processSpec(spec, env, file, workingDirectory));
      process.awaitStart();
      DirectConnection.ProcessWatch watch = watch(process);
      DirectConnection.Sockets sockets = connect(spec, ports, process, watch);
      DirectConnection connection =
          new DirectConnection(process, sockets, new WireCodec(hexKey), spec, file, watch);
      return Kernel.open(connection, new Requests(clock), START_LIMIT);
    } catch (IOException | RuntimeException e) {
      if (process != null) {
        process.close();
      }
      Files.deleteIfExists(file);
      throw e;
    }
  }

  private static DirectConnection.ProcessWatch watch(RunningProcess process) {
    DirectConnection.ProcessWatch watch = new DirectConnection.ProcessWatch();
    Thread.ofVirtual()
        .name("kernel-process")
        .start(() -> {
          try {
            ExitStatus status = process.drain(watch);
            watch.ended(status);
          } catch (IOException e) {
            watch.lost(e);
          }
        });
    return watch;
  }

  private static ProcessSpec processSpec(
      KernelSpec spec, Map<String, String> environment, Path file, @Nullable Path directory)
      throws IOException {
    Map<String, String> env = new HashMap<>(environment);
    spec.env().forEach((name, value) -> env.put(name, expand(value, environment)));
    List<String> argv = new ArrayList<>();
    for (String argument : spec.argv()) {
      argv.add(argument.replace("{connection_file}", file.toString()));
    }
    if (argv.isEmpty()) {
      throw new IOException("kernel spec \"" + spec.name() + "\" has no command");
    }
    String program = argv.getFirst();
    argv.set(
        0,
        Executables.find(program, env.getOrDefault("PATH", ""))
            .orElseThrow(() ->
                new IOException(
                    "kernel \"%s\" needs \"%s\", which is not on the PATH"
                        .formatted(spec.name(), program))));
    return new ProcessSpec(
        argv,
        env,
        directory == null ? null : directory.toString(),
        null,
        new ProcessSpec.Pipes(false, true),
        ProcessSpec.Descriptors.NONE);
  }

  /// Specs may name variables of the environment as `${NAME}` (jupyter-client, "Kernel specs").
  private static String expand(String value, Map<String, String> environment) {
    String expanded = value;
    for (Map.Entry<String, String> variable : environment.entrySet()) {
      expanded = expanded.replace("${" + variable.getKey() + "}", variable.getValue());
    }
    return expanded;
  }

  private Path writeConnectionFile(KernelSpec spec, int[] ports, byte[] hexKey) throws IOException {
    Files.createDirectories(
        directory,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    byte[] id = new byte[8];
    random.nextBytes(id);
    Path file = directory.resolve("kernel-" + HexFormat.of().formatHex(id) + ".json");
    byte[] json =
        new JsonWriter()
            .beginObject()
            .field("transport", "tcp")
            .field("ip", "127.0.0.1")
            .field("shell_port", ports[0])
            .field("control_port", ports[1])
            .field("iopub_port", ports[2])
            .field("stdin_port", ports[3])
            .field("hb_port", ports[4])
            .field("signature_scheme", "hmac-sha256")
            .field("key", new String(hexKey, StandardCharsets.US_ASCII))
            .field("kernel_name", spec.name())
            .endObject()
            .toBytes();
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.write(file, json);
    return file;
  }

  /// Ports that were free a moment ago, all different.
  private static int[] freePorts() throws IOException {
    ServerSocket[] sockets = new ServerSocket[PORTS];
    try {
      int[] ports = new int[PORTS];
      for (int i = 0; i < PORTS; i++) {
        sockets[i] = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"));
        ports[i] = sockets[i].getLocalPort();
      }
      return ports;
    } finally {
      for (ServerSocket socket : sockets) {
        if (socket != null) {
          socket.close();
        }
      }
    }
  }

  private static DirectConnection.Sockets connect(
      KernelSpec spec, int[] ports, RunningProcess process, DirectConnection.ProcessWatch watch)
      throws IOException {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    ZmtpSocket shell = null;
    ZmtpSocket control = null;
    try {
      shell = connect(spec, ports[0], "DEALER", process, watch, deadline);
      control = connect(spec, ports[1], "DEALER", process, watch, deadline);
      ZmtpSocket iopub = connect(spec, ports[2], "SUB", process, watch, deadline);
      iopub.subscribeToAll();
      return new DirectConnection.Sockets(shell, control, iopub);
    } catch (IOException | RuntimeException e) {
      closeQuietly(shell);
      closeQuietly(control);
      throw e;
    }
  }

  /// A kernel says nowhere that it listens; its process's end is the only event there is. So the
  /// port is tried every few milliseconds until it answers, and the pause is the wait for that end.
  private static ZmtpSocket connect(
      KernelSpec spec,
      int port,
      String type,
      RunningProcess process,
      DirectConnection.ProcessWatch watch,
      long deadline)
      throws IOException {
    while (true) {
      SocketChannel channel = SocketChannel.open();
      try {
        channel.connect(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port));
        if (!channel.getRemoteAddress().equals(channel.getLocalAddress())) {
          return ZmtpSocket.open(channel, type, HANDSHAKE_LIMIT);
        }
        // Nobody listens, and the system gave the connection that very port for its own end.
        channel.close();
      } catch (IOException e) {
        channel.close();
        if (System.nanoTime() > deadline) {
          throw new IOException(
              "kernel \"%s\" did not listen within %d s: %s"
                  .formatted(spec.name(), START_LIMIT.toSeconds(), watch.lastWords()),
              e);
        }
      }
      if (process.awaitExit(CONNECT_PAUSE)) {
        String words = watch.lastWords();
        if (words.contains("Address already in use")) {
          throw new PortTaken(words);
        }
        throw new IOException("kernel \"%s\" ended at once: %s".formatted(spec.name(), words));
      }
    }
  }

  private static void closeQuietly(@Nullable ZmtpSocket socket) throws IOException {
    if (socket != null) {
      socket.close();
    }
  }

  private static final class PortTaken extends IOException {
    private static final long serialVersionUID = 1L;

    PortTaken(String message) {
      super(message);
    }
  }
}
