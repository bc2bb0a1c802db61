package io.opensandbox.execd.kernel;

import io.opensandbox.execd.json.JsonObject;
import java.io.IOException;
import java.util.List;

/// What one run of code gave, event by event.
public interface Execution {
  /// A piece of output or a result beyond this is cut, so that a kernel cannot fill the heap.
  int MAX_PIECE_BYTES = 6 * 1024 * 1024;

  /// A piece of output, verbatim.
  void output(Stream stream, String text) throws IOException;

  /// A value or a picture.
  ///
  /// @param executionCount 0 when it has none (display data)
  /// @param bundle by MIME type
  void result(long executionCount, JsonObject bundle) throws IOException;

  /// A piece of output was too large, and its rest is lost; or a result was, and is lost.
  void cut() throws IOException;

  /// The code failed; last event of the run.
  void error(String name, String value, List<String> traceback) throws IOException;

  /// The code ended well; last event of the run.
  void complete() throws IOException;

  /// Where output was written.
  enum Stream {
    STDOUT,
    STDERR
  }
}
