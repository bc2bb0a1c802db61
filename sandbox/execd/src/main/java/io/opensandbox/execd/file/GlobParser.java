package io.opensandbox.execd.file;

import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Reads a glob into a [GlobProgram].
final class GlobParser {
  private static final int MAX_LENGTH = 4096;
  private static final int MAX_DEPTH = 64;

  private final int[] pattern;
  private final GlobProgram program = new GlobProgram();
  private int at;
  private int depth;
  private boolean negation;

  GlobParser(String pattern) {
    if (pattern.length() > MAX_LENGTH) {
      throw bad("it is longer than " + MAX_LENGTH + " characters");
    }
    this.pattern = pattern.codePoints().toArray();
  }

  GlobProgram parse() {
    sequence("");
    program.add(new GlobProgram.Step.Free());
    return program;
  }

  /// Whether a `!(…)` was read.
  boolean hasNegation() {
    return negation;
  }

  /// Reads until the end or one of the characters of `stops`, which stays unread.
  private void sequence(String stops) {
    boolean segmentStart = true;
    while (at < pattern.length && stops.indexOf(pattern[at]) < 0) {
      int c = pattern[at];
      if (segmentStart && skipAnyDirectories()) {
        continue;
      }
      segmentStart = c == '/';
      item(c, stops);
    }
    if (!stops.isEmpty() && at == pattern.length) {
      throw bad("a bracket is not closed");
    }
  }

  /// `**/` before a name, and `/**` after one, leave the name as it is.
  private boolean skipAnyDirectories() {
    if (at + 2 < pattern.length
        && pattern[at] == '*'
        && pattern[at + 1] == '*'
        && pattern[at + 2] == '/') {
      at += 3;
      return true;
    }
    return false;
  }

  private void item(int c, String stops) {
    switch (c) {
      case '*' -> star();
      case '?' -> {
        at++;
        program.add(new GlobProgram.Step.Any());
      }
      case '[' -> characterClass();
      case '{' -> alternatives();
      case '!' -> negation();
      case '/' -> slash(stops);
      case '\\' -> {
        at++;
        literal(require("an escaped character"));
      }
      default -> literal(c);
    }
  }

  private void literal(int c) {
    at++;
    program.add(new GlobProgram.Step.Literal(c));
  }

  private void star() {
    while (at < pattern.length && pattern[at] == '*') {
      at++;
    }
    program.add(new GlobProgram.Step.Repeat());
  }

  private void slash(String stops) {
    int end = at;
    while (end + 2 < pattern.length
        && pattern[end] == '/'
        && pattern[end + 1] == '*'
        && pattern[end + 2] == '*') {
      end += 3;
    }
    if (end > at && (end == pattern.length || stops.indexOf(pattern[end]) >= 0)) {
      at = end;
      return;
    }
    literal('/');
  }

  private void negation() {
    if (at + 1 >= pattern.length || pattern[at + 1] != '(') {
      throw bad("\"!\" must be followed by a pattern in parentheses");
    }
    at += 2;
    negation = true;
    enter();
    sequence(")");
    at++;
    depth--;
  }

  private void alternatives() {
    at++;
    enter();
    int start = program.add(new GlobProgram.Step.Free());
    List<Integer> ends = new ArrayList<>();
    boolean more = true;
    while (more) {
      program.move(start, program.size());
      sequence(",}");
      ends.add(program.add(new GlobProgram.Step.Free()));
      more = pattern[at++] == ',';
    }
    depth--;
    int after = program.size();
    ends.forEach(end -> program.move(end, after));
  }

  private void enter() {
    if (++depth > MAX_DEPTH) {
      throw bad("it is nested deeper than " + MAX_DEPTH + " levels");
    }
  }

  private void characterClass() {
    at++;
    boolean negated = at < pattern.length && (pattern[at] == '!' || pattern[at] == '^');
    if (negated) {
      at++;
    }
    int[] bounds = new int[8];
    int size = 0;
    while (require("\"]\"") != ']') {
      int low = classCharacter();
      int high = low;
      if (at + 1 < pattern.length && pattern[at] == '-' && pattern[at + 1] != ']') {
        at++;
        high = classCharacter();
      }
      if (size == bounds.length) {
        bounds = Arrays.copyOf(bounds, size * 2);
      }
      bounds[size++] = low;
      bounds[size++] = high;
    }
    if (size == 0) {
      throw bad("a character class is empty");
    }
    at++;
    program.add(new GlobProgram.Step.CharacterClass(Arrays.copyOf(bounds, size), negated));
  }

  private int classCharacter() {
    if (require("a character") == '\\') {
      at++;
      require("an escaped character");
    }
    return pattern[at++];
  }

  private int require(String expected) {
    if (at >= pattern.length) {
      throw bad("it ends where " + expected + " is needed");
    }
    return pattern[at];
  }

  private static ExecdException bad(String reason) {
    return new ExecdException(
        ErrorCode.INVALID_REQUEST_BODY,
        "error searching files. syntax error in query parameter 'pattern': " + reason);
  }
}
