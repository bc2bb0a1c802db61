package io.opensandbox.server.http;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/// Who sent a request.
///
/// @param name of the key, for logs; never the key
/// @param scopes what it may do
/// @param tenant whose sandboxes it sees; empty text sees all
public record Caller(String name, Set<Scope> scopes, String tenant) {
  /// Nobody in particular: there is no key, or the path needs none.
  public static final Caller ANONYMOUS = new Caller("-", EnumSet.allOf(Scope.class), "");

  /// Copies the scopes.
  public Caller {
    scopes = Set.copyOf(scopes);
  }

  /// Whether things of `owner` are visible to this caller.
  public boolean sees(String owner) {
    return tenant.isEmpty() || tenant.equals(owner);
  }

  /// What a key may be allowed.
  public enum Scope {
    READ,
    WRITE,
    ADMIN;

    /// The scope as configuration spells it.
    public String wire() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
