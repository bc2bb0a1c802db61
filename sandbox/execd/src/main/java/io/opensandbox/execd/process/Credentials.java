package io.opensandbox.execd.process;

import io.opensandbox.execd.account.Account;
import io.opensandbox.execd.account.AccountDatabase;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// The identity of a process.
///
/// @param uid user
/// @param gid primary group
/// @param groups supplementary groups; empty clears them
public record Credentials(long uid, long gid, List<Long> groups) {
  /// Copies the list.
  public Credentials {
    groups = List.copyOf(groups);
  }

  /// The identity that a request for `uid` and perhaps `gid` means: a known user brings the primary
  /// and the supplementary groups of its account; an unknown one without `gid` gets a group of the
  /// same number, never group 0 by accident.
  public static Credentials of(AccountDatabase accounts, long uid, OptionalLong gid) {
    Optional<Account> account = accounts.findUser(uid);
    long primary = gid.orElseGet(() -> account.map(Account::gid).orElse(uid));
    List<Long> groups = account.map(accounts::groupsOf).orElse(List.of());
    return new Credentials(uid, primary, groups);
  }
}
