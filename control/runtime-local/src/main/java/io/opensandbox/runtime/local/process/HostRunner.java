package io.opensandbox.runtime.local.process;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/// Runs programs on this machine.
public final class HostRunner implements Runner {
  /// Where root finds programs, as a rule.
  public static final String USUAL_PATH =
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  private static final int STDOUT_LIMIT = 16 << 20;
  private static final int STDERR_LIMIT = 64 << 10;
  private static final Executor THREADS = task -> Thread.ofVirtual().start(task);

  private final String path;

  /// A runner that looks programs up on `path`.
  public HostRunner(String path) {
    this.path = path;
  }

  @Override
  public Output run(Command command) {
    Process process = start(command);
    try {
      var stdout = read(process.getInputStream(), STDOUT_LIMIT);
      var stderr = read(process.getErrorStream(), STDERR_LIMIT);
      var fed = CompletableFuture.runAsync(() -> feed(command, process), THREADS);
      if (!process.waitFor(command.timeout().toMillis(), TimeUnit.MILLISECONDS)) {
        throw new RunFailure(
            command.argv().getFirst() + " did not end within " + command.timeout());
      }
      long rest = command.timeout().toMillis();
      String out = stdout.get(rest, TimeUnit.MILLISECONDS);
      String err = stderr.get(rest, TimeUnit.MILLISECONDS);
      fed.get(rest, TimeUnit.MILLISECONDS);
      return new Output(process.exitValue(), out, err);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RunFailure("interrupted while running " + command.argv().getFirst(), e);
    } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
      throw new RunFailure("cannot read the output of " + command.argv().getFirst(), e);
    } finally {
      if (process.isAlive()) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
    }
  }

  private Process start(Command command) {
    ProcessBuilder builder = new ProcessBuilder(command.argv());
    builder.directory(command.directory().orElse(Path.of("/")).toFile());
    command.file().ifPresent(file -> builder.redirectInput(file.toFile()));
    builder.environment().clear();
    builder.environment().putAll(Map.of("PATH", path, "LC_ALL", "C.UTF-8"));
    try {
      return builder.start();
    } catch (IOException e) {
      throw new RunFailure("cannot start " + command.argv().getFirst() + ": " + e.getMessage(), e);
    }
  }

  private static void feed(Command command, Process process) {
    try (OutputStream stdin = process.getOutputStream()) {
      if (command.input().isPresent()) {
        command.input().get().transferTo(stdin);
      }
    } catch (IOException e) {
      // A program may end without reading all of its input; its exit status tells what counts.
      if (process.isAlive()) {
        process.destroy();
      }
    }
  }

  /// Reads to the end, so that the program never blocks, but keeps no more than `limit` bytes.
  private static CompletableFuture<String> read(InputStream stream, int limit) {
    return CompletableFuture.supplyAsync(
        () -> {
          var kept = new ByteArrayOutputStream();
          byte[] buffer = new byte[8192];
          try (stream) {
            for (int n = stream.read(buffer); n >= 0; n = stream.read(buffer)) {
              kept.write(buffer, 0, Math.min(n, limit - kept.size()));
            }
          } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
          }
          return kept.toString(StandardCharsets.UTF_8);
        },
        THREADS);
  }
}
