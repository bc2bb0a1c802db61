package io.opensandbox.execd.account;

/// One line of `passwd(5)`.
///
/// @param name login name
/// @param uid numeric user, 0 to 4294967294
/// @param gid numeric primary group
/// @param home home directory as written, may be empty
public record Account(String name, long uid, long gid, String home) {}
