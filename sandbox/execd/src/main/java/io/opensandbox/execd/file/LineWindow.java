package io.opensandbox.execd.file;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/// Copies a window of lines: a line ends at LF, loses all CRs before it, and lines are joined by LF
/// without a final one. Works in one buffer, however long the lines are.
final class LineWindow {
  private static final int BUFFER_BYTES = 64 * 1024;

  private final long first;
  private final long last;
  private final OutputStream out;

  private long line = 1;
  private long pendingReturns;
  private boolean lineHasBytes;
  private boolean wroteLine;
  private boolean openInOutput;

  private LineWindow(long offset, long limit, OutputStream out) {
    this.first = offset;
    this.last = limit > Long.MAX_VALUE - offset ? Long.MAX_VALUE : offset + limit - 1;
    this.out = out;
  }

  /// Copies `limit` lines from line `offset` (1 is the first).
  static void copy(InputStream in, long offset, long limit, OutputStream out) throws IOException {
    LineWindow window = new LineWindow(offset, limit, out);
    byte[] buffer = new byte[BUFFER_BYTES];
    for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
      window.accept(buffer, count);
      if (window.line > window.last) {
        return;
      }
    }
    window.end();
  }

  private void accept(byte[] bytes, int count) throws IOException {
    int at = 0;
    while (at < count && line <= last) {
      int end = at;
      while (end < count && bytes[end] != '\n') {
        end++;
      }
      content(bytes, at, end);
      if (end < count) {
        endLine();
        end++;
      }
      at = end;
    }
  }

  private void content(byte[] bytes, int from, int to) throws IOException {
    if (from == to) {
      return;
    }
    lineHasBytes = true;
    if (line < first) {
      return;
    }
    int end = to;
    while (end > from && bytes[end - 1] == '\r') {
      end--;
    }
    if (end > from) {
      beginLine();
      for (; pendingReturns > 0; pendingReturns--) {
        out.write('\r');
      }
      out.write(bytes, from, end - from);
    }
    pendingReturns += to - end;
  }

  private void endLine() throws IOException {
    if (line >= first) {
      beginLine();
    }
    line++;
    lineHasBytes = false;
    openInOutput = false;
    pendingReturns = 0;
  }

  private void beginLine() throws IOException {
    if (openInOutput) {
      return;
    }
    if (wroteLine) {
      out.write('\n');
    }
    wroteLine = true;
    openInOutput = true;
  }

  private void end() throws IOException {
    if (lineHasBytes && line >= first && line <= last) {
      beginLine();
    }
  }
}
