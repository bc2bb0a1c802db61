package io.opensandbox.protocol.execd;

import io.avaje.jsonb.Json;

/// One file, directory, link or other entry, as lstat(2) sees it.
///
/// @param path absolute and cleaned
/// @param type `file`, `directory`, `symlink` or `other`; clients know no other value
/// @param size bytes, for directories what the file system says
/// @param modifiedAt RFC 3339 with up to nine digits of fraction
/// @param createdAt the inode's change time, in the same form
/// @param owner user name, or the decimal id when it has none
/// @param group group name, or the decimal id when it has none
/// @param mode the nine permission bits as octal digits that read like a decimal number: 0644 is
///   644
@Json(naming = Json.Naming.LowerUnderscore)
public record FileInfo(
    String path,
    String type,
    long size,
    String modifiedAt,
    String createdAt,
    String owner,
    String group,
    int mode) {}
