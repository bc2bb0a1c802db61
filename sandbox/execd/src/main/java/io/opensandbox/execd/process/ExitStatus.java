package io.opensandbox.execd.process;

/// How a process ended.
///
/// @param exitCode 0 to 255, or -1 when a signal ended it
/// @param signal the signal's number, or 0
/// @param coreDumped whether a core was written
/// @param peakRssBytes the largest resident size it had
public record ExitStatus(int exitCode, int signal, boolean coreDumped, long peakRssBytes) {
  /// Linux signals 1 to 15 in the words that clients of execd know.
  private static final String[] SIGNAL_NAMES = {
    "",
    "hangup",
    "interrupt",
    "quit",
    "illegal instruction",
    "trace/breakpoint trap",
    "aborted",
    "bus error",
    "floating point exception",
    "killed",
    "user defined signal 1",
    "segmentation fault",
    "user defined signal 2",
    "broken pipe",
    "alarm clock",
    "terminated"
  };

  /// Whether it ended with code 0.
  public boolean success() {
    return exitCode == 0 && signal == 0;
  }

  /// `exit status 3`, `signal: killed`, `signal: aborted (core dumped)`.
  public String describe() {
    if (signal == 0) {
      return "exit status " + exitCode;
    }
    String name = signal < SIGNAL_NAMES.length ? SIGNAL_NAMES[signal] : "signal " + signal;
    return "signal: " + name + (coreDumped ? " (core dumped)" : "");
  }
}
