package io.opensandbox.execd.archive;

import io.opensandbox.execd.process.OutputHandler;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/// Passes on what a filter writes, and keeps what it complains about.
final class FilterOutput implements OutputHandler {
  private static final int MAX_COMPLAINT_BYTES = 1024;

  private final OutputStream to;
  private final ByteArrayOutputStream complaint = new ByteArrayOutputStream();

  FilterOutput(OutputStream to) {
    this.to = to;
  }

  @Override
  public void stdout(byte[] buffer, int offset, int length) throws IOException {
    to.write(buffer, offset, length);
  }

  @Override
  public void idle() throws IOException {
    to.flush();
  }

  @Override
  public void stderr(byte[] buffer, int offset, int length) {
    complaint.write(buffer, offset, Math.min(length, MAX_COMPLAINT_BYTES - complaint.size()));
  }

  String complaint() {
    return complaint.toString(StandardCharsets.UTF_8).strip();
  }
}
