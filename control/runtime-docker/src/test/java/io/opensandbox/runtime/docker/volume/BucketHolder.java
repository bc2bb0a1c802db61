package io.opensandbox.runtime.docker.volume;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;

/// A server that has mounted a bucket and has no container for it yet; run by [OssfsMountsTest] in
/// a process of its own.
final class BucketHolder {
  private BucketHolder() {}

  /// Says the folder of the bucket and lives until its input ends, or until it is killed.
  ///
  /// @param arguments where buckets are mounted, and the folder of credentials
  public static void main(String[] arguments) throws IOException {
    var mounts =
        new OssfsMounts(Path.of(arguments[0]), new FakeMountHost(), Path.of(arguments[1]), Set::of);
    System.out.println(mounts.hold(OssfsMountsTest.bucket("2.0", "", "id"), "other"));
    int _ = System.in.read();
  }
}
