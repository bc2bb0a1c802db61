package io.opensandbox.execd;

import io.opensandbox.execd.hibernate.Hibernation;
import io.opensandbox.execd.isolated.IsolatedRoutes;
import io.opensandbox.execd.log.Log;
import io.opensandbox.execd.log.SecretMask;
import io.opensandbox.execd.memory.HeapCare;
import io.opensandbox.execd.process.BrokerSpawner;
import io.opensandbox.execd.random.KernelRandom;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// Starts the daemon. The only place that reads the environment and exits.
public final class Main {
  /// What the launcher takes for "explained on stderr, do not start again".
  private static final int CONFIGURATION_ERROR = 78;

  /// What the launcher takes for "wake me with the next connection".
  private static final int HIBERNATE = 77;

  /// So that the kernel prefers a command over the daemon when memory runs out.
  private static final int CHILD_OOM_SCORE = 500;

  private static final int BACKLOG = 1024;

  /// Of this program.
  static final String VERSION = "0.1.0";

  private Main() {}

  /// Runs until it is told to end. Flags are those of `Settings`, with one dash or two.
  public static void main(String[] arguments) {
    Map<String, String> environment = System.getenv();
    var stdout = new FileOutputStream(FileDescriptor.out);
    var stderr = new FileOutputStream(FileDescriptor.err);
    try {
      print(stdout, "OpenSandbox execd " + VERSION + "\n");
      Settings settings = Settings.of(List.of(arguments), environment);
      Clock clock = Clock.systemUTC();
      Settings.LogSettings logging = settings.log();
      Log log = Log.open(logging.level(), logging.outputs(), stdout, stderr, clock);
      run(settings, environment, clock, log);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } catch (IllegalArgumentException | IOException e) {
      print(stderr, "execd: " + e.getMessage() + "\n");
      System.exit(CONFIGURATION_ERROR);
    }
  }

  private static void run(Settings settings, Map<String, String> environment, Clock clock, Log log)
      throws IOException, InterruptedException {
    String broker = System.getProperty("execd.broker", "");
    if (broker.isEmpty()) {
      throw new IllegalArgumentException(
          "-Dexecd.broker must name the launcher's broker socket; start execd, not java");
    }
    var spawner = new BrokerSpawner(Path.of(broker), CHILD_OOM_SCORE);
    var surroundings =
        new Execd.Surroundings(environment, spawner, isolation(), clock, log, new KernelRandom());
    boolean launched = System.inheritedChannel() instanceof ServerSocketChannel;
    var execd = new Execd(settings, surroundings, listener(settings.port()));
    Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(() -> shutDown(execd, log)));
    execd.start();
    Thread.ofVirtual().name("warm-up").start(spawner::warmUp);
    HeapCare.ofThisJvm(execd::idleTime).start();
    log.info("execd serves on port " + execd.port());
    if (!settings.accessToken().isEmpty()) {
      log.info("access token " + SecretMask.maskToken(settings.accessToken()));
    }
    // Without a launcher nobody would wake it up again.
    new Hibernation(execd, launched ? settings.hibernateAfter() : Duration.ZERO).await();
    log.info("execd hibernates");
    log.close();
    Runtime.getRuntime().halt(HIBERNATE);
  }

  /// The launcher is our parent; bubblewrap lies in the runtime that it has unpacked.
  private static IsolatedRoutes.Tools isolation() {
    Path runtime = Path.of(System.getProperty("java.home"));
    return new IsolatedRoutes.Tools(
        () ->
            ProcessHandle.current()
                .parent()
                .flatMap(parent -> parent.info().command())
                .map(Path::of)
                .filter(Files::isExecutable),
        List.of(
            runtime.resolve("bin/ld.so").toString(),
            "--inhibit-cache",
            "--library-path",
            runtime.resolve("libc").toString(),
            runtime.resolve("bin/bwrap").toString()));
  }

  /// The launcher's listener, or one of our own when there is no launcher.
  private static ServerSocketChannel listener(int port) throws IOException {
    if (System.inheritedChannel() instanceof ServerSocketChannel inherited) {
      return inherited;
    }
    ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.INET);
    listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
    return listener.bind(new InetSocketAddress(port), BACKLOG);
  }

  private static void shutDown(Execd execd, Log log) {
    log.info("execd ends");
    execd.close();
    log.close();
  }

  private static void print(FileOutputStream stream, String text) {
    try {
      stream.write(text.getBytes(StandardCharsets.UTF_8));
    } catch (IOException _) { // nobody listens on this descriptor
    }
  }
}
