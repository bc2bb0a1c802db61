package io.opensandbox.execd.file;

import io.opensandbox.execd.account.Account;
import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/// What a request wants a file's mode and owners to be; each may be left alone.
///
/// @param mode permission bits, or 0 to leave them
/// @param owner user id, or [#UNCHANGED]
/// @param group group id, or [#UNCHANGED]
public record Permissions(int mode, long owner, long group) {
  /// Stands for an owner or group that stays.
  public static final long UNCHANGED = -1;

  /// Reads the members `mode`, `owner` and `group`. Owners are names, or decimal ids that are no
  /// name; `null`, empty and a mode of 0 leave things alone.
  ///
  /// @throws ExecdException `INVALID_REQUEST_BODY` for a bad mode or an unknown name
  public static Permissions parse(JsonObject json, AccountDatabase accounts) {
    return new Permissions(
        FileMode.fromWire(json.integer("mode").orElse(0)),
        user(json.stringOrEmpty("owner"), accounts),
        group(json.stringOrEmpty("group"), accounts));
  }

  private static long user(String name, AccountDatabase accounts) {
    return name.isEmpty()
        ? UNCHANGED
        : accounts.findUser(name).map(Account::uid).orElseGet(() -> idOf("owner", name));
  }

  private static long group(String name, AccountDatabase accounts) {
    if (name.isEmpty()) {
      return UNCHANGED;
    }
    OptionalLong gid = accounts.findGroup(name);
    return gid.isPresent() ? gid.getAsLong() : idOf("group", name);
  }

  private static long idOf(String field, String text) {
    return AccountDatabase.parseId(text)
        .orElseThrow(() ->
            new ExecdException(
                ErrorCode.INVALID_REQUEST_BODY,
                "field \"%s\": there is no %s named \"%s\""
                    .formatted(field, field.equals("owner") ? "user" : "group", text)));
  }

  /// Whether there is nothing to change.
  public boolean isEmpty() {
    return mode == 0 && owner == UNCHANGED && group == UNCHANGED;
  }

  /// Sets mode and then owners, following links. The kernel clears set-id bits when the owner
  /// changes, so those are set again.
  public void apply(Path path) throws IOException {
    if (mode != 0) {
      Files.setAttribute(path, "unix:mode", mode);
    }
    if (owner != UNCHANGED) {
      Files.setAttribute(path, "unix:uid", (int) owner);
    }
    if (group != UNCHANGED) {
      Files.setAttribute(path, "unix:gid", (int) group);
    }
    if ((mode & 06000) != 0 && (owner != UNCHANGED || group != UNCHANGED)) {
      Files.setAttribute(path, "unix:mode", mode);
    }
  }
}
