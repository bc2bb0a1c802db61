package io.opensandbox.execd.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/// Header fields in order; names compare without case and keep the case they came in. Not safe for
/// use by several threads.
public final class Headers {
  private final List<String> fields;

  /// No fields.
  public Headers() {
    fields = new ArrayList<>(8);
  }

  /// A copy.
  public Headers(Headers other) {
    fields = new ArrayList<>(other.fields);
  }

  /// One field, as the start of a chain of [#add].
  public static Headers of(String name, String value) {
    return new Headers().add(name, value);
  }

  /// Appends a field.
  ///
  /// @throws IllegalArgumentException if the name is no token or the value has a line break or NUL
  public Headers add(String name, String value) {
    if (!HttpTokens.isToken(name) || !HttpTokens.isFieldValue(value)) {
      throw new IllegalArgumentException("header field \"" + name + "\" cannot be sent");
    }
    addUnchecked(name, value);
    return this;
  }

  /// Replaces all fields of this name by one.
  public Headers set(String name, String value) {
    remove(name);
    return add(name, value);
  }

  /// Removes all fields of this name.
  public Headers remove(String name) {
    for (int i = fields.size() - 2; i >= 0; i -= 2) {
      if (fields.get(i).equalsIgnoreCase(name)) {
        fields.remove(i + 1);
        fields.remove(i);
      }
    }
    return this;
  }

  /// The first field of this name.
  public Optional<String> first(String name) {
    for (int i = 0; i < fields.size(); i += 2) {
      if (fields.get(i).equalsIgnoreCase(name)) {
        return Optional.of(fields.get(i + 1));
      }
    }
    return Optional.empty();
  }

  /// All fields of this name, in order.
  public List<String> all(String name) {
    List<String> values = new ArrayList<>(2);
    for (int i = 0; i < fields.size(); i += 2) {
      if (fields.get(i).equalsIgnoreCase(name)) {
        values.add(fields.get(i + 1));
      }
    }
    return values;
  }

  /// Whether there is a field of this name.
  public boolean has(String name) {
    for (int i = 0; i < fields.size(); i += 2) {
      if (fields.get(i).equalsIgnoreCase(name)) {
        return true;
      }
    }
    return false;
  }

  /// Whether a comma-separated list field of this name contains a token, without case.
  public boolean hasToken(String name, String token) {
    for (int i = 0; i < fields.size(); i += 2) {
      if (fields.get(i).equalsIgnoreCase(name)
          && HttpTokens.listContains(fields.get(i + 1), token)) {
        return true;
      }
    }
    return false;
  }

  /// Calls `action` with name and value of every field, in order.
  public void forEach(BiConsumer<String, String> action) {
    for (int i = 0; i < fields.size(); i += 2) {
      action.accept(fields.get(i), fields.get(i + 1));
    }
  }

  void addUnchecked(String name, String value) {
    fields.add(name);
    fields.add(value);
  }
}
