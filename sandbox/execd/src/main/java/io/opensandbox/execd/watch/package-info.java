/// Tells about changes below a directory (`/watch`), through inotify by way of the JDK.
@NullMarked
package io.opensandbox.execd.watch;

import org.jspecify.annotations.NullMarked;
