package io.opensandbox.execd.isolated;

import io.opensandbox.execd.process.ExitStatus;
import io.opensandbox.execd.process.OutputHandler;
import io.opensandbox.execd.process.RunningProcess;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/// A run that nobody waits for: its output is in a file, bounded, and how it ended is kept.
final class BackgroundRun {
  private static final long MAX_LOG_BYTES = 16 << 20;

  private final String id;
  private final Instant startedAt;
  private final Path log;

  /// Guarded by this, like the next two.
  private @Nullable Instant finishedAt;

  private @Nullable ExitStatus status;
  private String error = "";

  BackgroundRun(String id, Instant startedAt, Path log) {
    this.id = id;
    this.startedAt = startedAt;
    this.log = log;
  }

  String id() {
    return id;
  }

  Instant startedAt() {
    return startedAt;
  }

  synchronized @Nullable Instant finishedAt() {
    return finishedAt;
  }

  /// The exit code; null while it runs or when it was not its own end.
  synchronized @Nullable Integer exitCode() {
    return status == null ? null : status.exitCode();
  }

  /// Why it failed; empty while it runs and after success.
  synchronized String error() {
    return error;
  }

  /// Keeps output until the process has ended.
  void follow(RunningProcess process, InstantSource clock) {
    ExitStatus end = null;
    String reason = "";
    try (FileChannel file =
        FileChannel.open(log, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      end = process.drain(new Writer(file));
      reason = end.success() ? "" : end.describe();
    } catch (IOException e) {
      reason = "session terminated: " + e.getMessage();
    }
    synchronized (this) {
      status = end;
      error = reason;
      finishedAt = clock.instant();
    }
  }

  /// The output from a byte on, as far as there is any.
  byte[] read(long cursor) throws IOException {
    try (FileChannel file = FileChannel.open(log, StandardOpenOption.READ)) {
      long size = file.size();
      ByteBuffer bytes =
          ByteBuffer.allocate((int) Math.max(0, Math.min(MAX_PAGE_BYTES, size - cursor)));
      while (bytes.hasRemaining() && file.read(bytes, cursor + bytes.position()) >= 0) {}
      return java.util.Arrays.copyOf(bytes.array(), bytes.position());
    }
  }

  private static final int MAX_PAGE_BYTES = 1 << 20;

  private static final class Writer implements OutputHandler {
    private final FileChannel file;

    Writer(FileChannel file) {
      this.file = file;
    }

    @Override
    public void stdout(byte[] buffer, int offset, int length) throws IOException {
      long room = MAX_LOG_BYTES - file.position();
      ByteBuffer bytes = ByteBuffer.wrap(buffer, offset, (int) Math.min(length, room));
      while (bytes.hasRemaining()) {
        file.write(bytes);
      }
    }

    @Override
    public void stderr(byte[] buffer, int offset, int length) throws IOException {
      stdout(buffer, offset, length);
    }

    @Override
    public void state(byte[] buffer, int offset, int length) {
      // What it leaves behind is for nobody.
    }
  }
}
