package io.opensandbox.server.access;

import io.opensandbox.server.config.Config;
import io.opensandbox.server.http.Caller;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The keys that the server accepts, as SHA-256 digests only.
public final class ApiKeys {
  private final List<Entry> entries;

  private static final class Entry {
    private final byte[] digest;
    private final Caller caller;

    Entry(byte[] digest, Caller caller) {
      this.digest = digest;
      this.caller = caller;
    }
  }

  /// @param server names the keys; its single `api_key` may do everything
  public ApiKeys(Config.Server server) {
    List<Entry> all = new ArrayList<>();
    server
        .apiKey()
        .ifPresent(key ->
            all.add(
                new Entry(
                    digest(key), new Caller("default", EnumSet.allOf(Caller.Scope.class), ""))));
    for (Config.ApiKey key : server.keys()) {
      all.add(
          new Entry(
              HexFormat.of().parseHex(key.sha256()),
              new Caller(key.name(), scopes(key), key.tenant().orElse(""))));
    }
    this.entries = List.copyOf(all);
  }

  /// Whether there is no key, so that every request may pass.
  public boolean isEmpty() {
    return entries.isEmpty();
  }

  /// The caller that `key` belongs to, or null. Takes the same time for every wrong key: digests of
  /// equal length are compared in constant time, and always all of them.
  @Nullable Caller find(String key) {
    byte[] digest = digest(key);
    Caller found = null;
    for (Entry entry : entries) {
      if (MessageDigest.isEqual(entry.digest, digest)) {
        found = entry.caller;
      }
    }
    return found;
  }

  private static Set<Caller.Scope> scopes(Config.ApiKey key) {
    Set<Caller.Scope> scopes = EnumSet.noneOf(Caller.Scope.class);
    for (String scope : key.scopes()) {
      scopes.add(Caller.Scope.valueOf(scope.toUpperCase(Locale.ROOT)));
    }
    if (scopes.contains(Caller.Scope.ADMIN)) {
      return EnumSet.allOf(Caller.Scope.class);
    }
    return scopes;
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
