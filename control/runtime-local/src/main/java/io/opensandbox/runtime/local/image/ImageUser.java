package io.opensandbox.runtime.local.image;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// The user that an image's processes run as, by numbers.
///
/// @param uid user
/// @param gid group
/// @param groups further groups, ascending
/// @param home from the image's `/etc/passwd`, `/` for a user who is not in it
public record ImageUser(long uid, long gid, List<Long> groups, String home) {
  private static final long MAX_BYTES = 4 << 20;

  /// Copies the groups.
  public ImageUser {
    groups = List.copyOf(groups);
  }

  /// Whether it is user and group 0.
  public boolean isRoot() {
    return uid == 0 && gid == 0;
  }

  /// As `execd as` takes it: `UID:GID[,GROUP...]`.
  public String ids() {
    String more = groups.stream().map(group -> "," + group).collect(Collectors.joining());
    return uid + ":" + gid + more;
  }

  /// Reads an image's `USER`: empty for root, else `user` or `user:group`, each a name or a number.
  ///
  /// @throws IllegalArgumentException when a name is not in the image
  public static ImageUser resolve(String user, LayeredRoot root) {
    String[] parts = (user.isEmpty() ? "0" : user).split(":", 2);
    Optional<String[]> account = find(root, "/etc/passwd", parts[0]);
    if (account.isEmpty() && !isNumber(parts[0])) {
      throw new IllegalArgumentException(
          "unable to find user " + parts[0] + ": no matching entries in passwd file");
    }
    long uid = account.map(fields -> number(fields[2])).orElseGet(() -> number(parts[0]));
    String home = account.filter(fields -> fields.length > 5).map(fields -> fields[5]).orElse("/");
    if (parts.length == 2) {
      return new ImageUser(uid, group(root, parts[1]), List.of(), home);
    }
    long gid = account.map(fields -> number(fields[3])).orElse(0L);
    return new ImageUser(
        uid, gid, account.map(fields -> memberships(root, fields[0], gid)).orElse(List.of()), home);
  }

  private static long group(LayeredRoot root, String name) {
    Optional<String[]> entry = find(root, "/etc/group", name);
    if (entry.isEmpty() && !isNumber(name)) {
      throw new IllegalArgumentException(
          "unable to find group " + name + ": no matching entries in group file");
    }
    return entry.map(fields -> number(fields[2])).orElseGet(() -> number(name));
  }

  private static List<Long> memberships(LayeredRoot root, String user, long gid) {
    return entries(root, "/etc/group").stream()
        .filter(fields -> fields.length > 3 && List.of(fields[3].split(",", -1)).contains(user))
        .map(fields -> number(fields[2]))
        .filter(group -> group != gid)
        .sorted()
        .distinct()
        .toList();
  }

  /// The entry with this name, else with this number.
  private static Optional<String[]> find(LayeredRoot root, String file, String wanted) {
    List<String[]> entries = entries(root, file);
    return entries.stream()
        .filter(fields -> fields[0].equals(wanted))
        .findFirst()
        .or(() -> entries.stream().filter(fields -> fields[2].equals(wanted)).findFirst());
  }

  private static List<String[]> entries(LayeredRoot root, String file) {
    List<String[]> entries = new ArrayList<>();
    root.file(file)
        .filter(path -> Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS))
        .ifPresent(path -> {
          for (String line : text(path, file).split("\n", -1)) {
            String[] fields = line.split(":", -1);
            if (fields.length > 3 && isNumber(fields[2])) {
              entries.add(fields);
            }
          }
        });
    return entries;
  }

  /// In whatever encoding: what is no UTF-8 belongs to names that nobody asks for.
  private static String text(Path path, String file) {
    try {
      if (Files.size(path) > MAX_BYTES) {
        throw new IllegalArgumentException(
            "the image's " + file + " has more than " + MAX_BYTES + " bytes");
      }
      return new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the image's " + file, e);
    }
  }

  private static boolean isNumber(String text) {
    return text.matches("\\d+");
  }

  /// Above the bound some numbers mean nobody to the kernel, and Docker refuses them, too.
  private static long number(String text) {
    if (!isNumber(text)) {
      return 0;
    }
    if (text.length() > 10 || Long.parseLong(text) > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "there is no user or group " + text + ": users and groups are 0 to " + Integer.MAX_VALUE);
    }
    return Long.parseLong(text);
  }
}
