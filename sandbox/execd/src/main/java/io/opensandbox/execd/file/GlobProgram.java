package io.opensandbox.execd.file;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The states of a compiled glob. A state may consume one character and go to the next state, and
/// may move on to others without one. State 0 is the start, the last one the goal.
final class GlobProgram {
  private static final int[] NO_MOVES = {};

  /// What a state does with a character.
  sealed interface Step {
    /// Consumes exactly this character.
    record Literal(int character) implements Step {}

    /// Consumes any character.
    record Any() implements Step {}

    /// Consumes any character and stays.
    record Repeat() implements Step {}

    /// Consumes a character of (or outside) some ranges.
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record CharacterClass(int[] bounds, boolean negated) implements Step {
      boolean contains(int character) {
        for (int i = 0; i < bounds.length; i += 2) {
          if (character >= bounds[i] && character <= bounds[i + 1]) {
            return !negated;
          }
        }
        return negated;
      }
    }

    /// Consumes nothing.
    record Free() implements Step {}
  }

  private final List<Step> steps = new ArrayList<>();
  private final List<int[]> moves = new ArrayList<>();

  /// Adds a state; gives its number.
  int add(Step step) {
    steps.add(step);
    int state = steps.size() - 1;
    moves.add(step instanceof Step.Repeat ? new int[] {state + 1} : NO_MOVES);
    return state;
  }

  /// Lets a state move on without a character.
  void move(int from, int to) {
    int[] old = moves.get(from);
    int[] longer = Arrays.copyOf(old, old.length + 1);
    longer[old.length] = to;
    moves.set(from, longer);
  }

  int size() {
    return steps.size();
  }

  int[] freeMoves(int state) {
    return moves.get(state);
  }

  boolean consumes(int state, int character) {
    return switch (steps.get(state)) {
      case Step.Literal literal -> literal.character == character;
      case Step.Any _, Step.Repeat _ -> true;
      case Step.CharacterClass set -> set.contains(character);
      case Step.Free _ -> false;
    };
  }

  int afterConsuming(int state) {
    return steps.get(state) instanceof Step.Repeat ? state : state + 1;
  }
}
