/// Whole directories as one stream (`/archive`): download as tar, tar.gz or tar.zst, upload of any.
///
/// An upload cannot leave its directory: names with `..` or a leading slash are refused, and no
/// link is followed below the directory, whether the archive brought it or it was there before.
/// Devices and pipes are refused, owners of the archive are ignored. The JDK has no zstd, so a
/// process of the launcher compresses.
@NullMarked
package io.opensandbox.execd.archive;

import org.jspecify.annotations.NullMarked;
