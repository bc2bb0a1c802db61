package io.opensandbox.execd.file;

import io.opensandbox.execd.account.Account;
import io.opensandbox.execd.account.AccountDatabase;
import java.util.HashMap;
import java.util.Map;

/// Names of users and groups for the length of one request: each id is looked up once.
final class OwnerNames {
  private final AccountDatabase accounts;
  private final Map<Long, String> users = new HashMap<>();
  private final Map<Long, String> groups = new HashMap<>();

  OwnerNames(AccountDatabase accounts) {
    this.accounts = accounts;
  }

  /// The user's name, or the id in decimal.
  String user(long uid) {
    return users.computeIfAbsent(
        uid, id -> accounts.findUser((long) id).map(Account::name).orElse(Long.toString(id)));
  }

  /// The group's name, or the id in decimal.
  String group(long gid) {
    return groups.computeIfAbsent(gid, id -> accounts.findGroupName(id).orElse(Long.toString(id)));
  }
}
