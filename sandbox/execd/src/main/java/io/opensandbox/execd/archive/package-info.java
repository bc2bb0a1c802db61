/// Whole directories as one stream (`/archive`): download as tar or tar.gz, upload of either.
///
/// An upload cannot leave its directory: names with `..` or a leading slash are refused, and no
/// link is followed below the directory, whether the archive brought it or it was there before.
/// Devices and pipes are refused, owners of the archive are ignored. The JDK has no zstd, so there
/// is none here.
@NullMarked
package io.opensandbox.execd.archive;

import org.jspecify.annotations.NullMarked;
