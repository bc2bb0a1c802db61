package io.opensandbox.execd.archive;

import io.opensandbox.execd.process.ExitStatus;
import io.opensandbox.execd.process.RunningProcess;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.util.zip.ZipException;

/// A stream through a filter. One thread feeds the filter, another takes what it writes.
final class FilteredInput extends InputStream {
  private static final int BUFFER_BYTES = 64 << 10;

  private final RunningProcess filter;
  private final InputStream in;
  private final PipedOutputStream pipe = new PipedOutputStream();
  private final PipedInputStream filtered = new PipedInputStream(BUFFER_BYTES);
  private final Thread feeding;
  private final Thread taking;
  private volatile String failure = "";

  FilteredInput(RunningProcess filter, InputStream in) throws IOException {
    this.filter = filter;
    this.in = in;
    filter.awaitStart();
    filtered.connect(pipe);
    feeding = Thread.ofVirtual().name("archive-feed").start(this::feed);
    taking = Thread.ofVirtual().name("archive-filter").start(this::take);
  }

  private void feed() {
    byte[] buffer = new byte[BUFFER_BYTES];
    try {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        filter.write(buffer, 0, count);
      }
      filter.closeInput();
    } catch (IOException _) { // the filter has ended, or what fed it has
      filter.close();
    }
  }

  private void take() {
    FilterOutput output = new FilterOutput(pipe);
    try (pipe) {
      ExitStatus status = filter.drain(output);
      if (!status.success()) {
        failure = output.complaint();
      }
    } catch (IOException e) {
      failure = "the archive ends too early: " + e.getMessage();
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    int count = filtered.read(bytes, offset, length);
    if (count < 0 && !failure.isEmpty()) {
      throw new ZipException(failure);
    }
    return count;
  }

  /// Ends the filter and waits until nobody reads from the source any more.
  @Override
  public void close() throws IOException {
    filtered.close();
    filter.close();
    try {
      taking.join();
      feeding.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }
}
