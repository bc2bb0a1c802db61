package io.opensandbox.execd.archive;

import io.opensandbox.execd.process.ExitStatus;
import io.opensandbox.execd.process.RunningProcess;
import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/// A stream through a filter. What the filter writes is passed on by a thread of its own.
final class FilteredOutput extends OutputStream {
  private final RunningProcess filter;
  private final FilterOutput output;
  private final CompletableFuture<ExitStatus> end = new CompletableFuture<>();
  private boolean closed;

  FilteredOutput(RunningProcess filter, OutputStream out) throws IOException {
    this.filter = filter;
    this.output = new FilterOutput(out);
    filter.awaitStart();
    Thread.ofVirtual().name("archive-filter").start(this::passOn);
  }

  private void passOn() {
    try {
      end.complete(filter.drain(output));
    } catch (IOException | RuntimeException e) {
      filter.close(); // so that nobody waits for it to take more
      end.completeExceptionally(e);
    }
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    filter.write(bytes, offset, length);
  }

  /// Waits until everything has been passed on.
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    try (filter) {
      filter.closeInput();
      ExitStatus status = end.get();
      if (!status.success()) {
        throw new IOException("zstd failed: " + output.complaint());
      }
    } catch (ExecutionException e) {
      throw new IOException("zstd failed", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }
}
