package io.opensandbox.execd.account;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// Looks users and groups up by name or number. A file that is missing or unreadable is an empty
/// one; a line that does not follow passwd(5) or group(5) is skipped.
public final class AccountDatabase {
  /// The largest id that a process can have; the one above it means "unchanged" to the kernel.
  public static final long MAX_ID = 0xFFFF_FFFEL;

  private static final int PASSWD_FIELDS = 7;
  private static final int GROUP_FIELDS = 4;

  private final Path passwd;
  private final Path group;

  /// Reads the given files instead of the system's.
  public AccountDatabase(Path passwd, Path group) {
    this.passwd = passwd;
    this.group = group;
  }

  /// The files in `/etc`.
  public static AccountDatabase ofSystem() {
    return new AccountDatabase(Path.of("/etc/passwd"), Path.of("/etc/group"));
  }

  /// The first account with this name.
  public Optional<Account> findUser(String name) {
    return accounts().stream().filter(account -> account.name().equals(name)).findFirst();
  }

  /// The first account with this number.
  public Optional<Account> findUser(long uid) {
    return accounts().stream().filter(account -> account.uid() == uid).findFirst();
  }

  /// The number of the first group with this name.
  public OptionalLong findGroup(String name) {
    for (String[] fields : lines(group, GROUP_FIELDS)) {
      OptionalLong gid = parseId(fields[2]);
      if (fields[0].equals(name) && gid.isPresent()) {
        return gid;
      }
    }
    return OptionalLong.empty();
  }

  /// The name of the first group with this number.
  public Optional<String> findGroupName(long gid) {
    for (String[] fields : lines(group, GROUP_FIELDS)) {
      OptionalLong found = parseId(fields[2]);
      if (found.isPresent() && found.getAsLong() == gid) {
        return Optional.of(fields[0]);
      }
    }
    return Optional.empty();
  }

  /// All groups of an account, its primary group first, without repeats; what initgroups(3) sets.
  public List<Long> groupsOf(Account account) {
    List<Long> groups = new ArrayList<>();
    groups.add(account.gid());
    for (String[] fields : lines(group, GROUP_FIELDS)) {
      OptionalLong gid = parseId(fields[2]);
      boolean member = List.of(fields[3].split(",", -1)).contains(account.name());
      if (gid.isPresent() && member && !groups.contains(gid.getAsLong())) {
        groups.add(gid.getAsLong());
      }
    }
    return List.copyOf(groups);
  }

  /// A decimal id from 0 to [#MAX_ID]; empty for anything else.
  public static OptionalLong parseId(String text) {
    if (text.isEmpty() || text.length() > 10 || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return OptionalLong.empty();
    }
    long id = Long.parseLong(text);
    return id <= MAX_ID ? OptionalLong.of(id) : OptionalLong.empty();
  }

  private List<Account> accounts() {
    List<Account> accounts = new ArrayList<>();
    for (String[] fields : lines(passwd, PASSWD_FIELDS)) {
      OptionalLong uid = parseId(fields[2]);
      OptionalLong gid = parseId(fields[3]);
      if (uid.isPresent() && gid.isPresent()) {
        accounts.add(new Account(fields[0], uid.getAsLong(), gid.getAsLong(), fields[5]));
      }
    }
    return accounts;
  }

  private static List<String[]> lines(Path file, int fields) {
    String text;
    try {
      // Names may be in any encoding; what matters here is that reading never fails on one.
      text = Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException _) { // an image without accounts is a normal image
      return List.of();
    }
    List<String[]> parsed = new ArrayList<>();
    for (String line : text.split("\n", -1)) {
      String[] parts = line.split(":", -1);
      if (parts.length == fields) {
        parsed.add(parts);
      }
    }
    return parsed;
  }
}
