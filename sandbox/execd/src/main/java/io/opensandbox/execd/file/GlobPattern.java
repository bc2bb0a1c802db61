package io.opensandbox.execd.file;

import java.util.Arrays;

/// A compiled glob, matched against base names.
///
/// `*` and `**` match any text, `?` one character, `[a-z]` and `[!a-z]` (or `[^a-z]`) a class,
/// `{a,b}` one of several patterns, `\` takes away a meaning. A pattern with `!(p)` matches what
/// the same pattern with plain `p` does not. `**/` in front of a name means nothing here, since
/// names have no slash; any other directory part never matches.
///
/// Matching is a simulation of all states at once: its time is bounded by the length of the pattern
/// times the length of the name, whatever the pattern.
final class GlobPattern {
  private final GlobProgram program;
  private final boolean negated;

  private GlobPattern(GlobProgram program, boolean negated) {
    this.program = program;
    this.negated = negated;
  }

  /// Compiles a pattern.
  ///
  /// @throws io.opensandbox.protocol.execd.ExecdException `INVALID_REQUEST_BODY` when it is
  ///   malformed
  static GlobPattern compile(String pattern) {
    GlobParser parser = new GlobParser(pattern);
    GlobProgram program = parser.parse();
    return new GlobPattern(program, parser.hasNegation());
  }

  /// Whether the whole name matches.
  boolean matches(String name) {
    return run(name) != negated;
  }

  private boolean run(String name) {
    int size = program.size();
    boolean[] now = new boolean[size];
    boolean[] next = new boolean[size];
    int[] pending = new int[size];
    add(0, now, pending);
    for (int i = 0; i < name.length(); ) {
      int c = name.codePointAt(i);
      i += Character.charCount(c);
      Arrays.fill(next, false);
      boolean any = false;
      for (int state = 0; state < size; state++) {
        if (now[state] && program.consumes(state, c)) {
          add(program.afterConsuming(state), next, pending);
          any = true;
        }
      }
      if (!any) {
        return false;
      }
      boolean[] swap = now;
      now = next;
      next = swap;
    }
    return now[size - 1];
  }

  /// Adds a state and all that are reached from it without a character.
  private void add(int start, boolean[] states, int[] pending) {
    int count = 0;
    if (!states[start]) {
      states[start] = true;
      pending[count++] = start;
    }
    while (count > 0) {
      int state = pending[--count];
      for (int target : program.freeMoves(state)) {
        if (!states[target]) {
          states[target] = true;
          pending[count++] = target;
        }
      }
    }
  }
}
