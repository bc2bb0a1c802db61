/// Gets execd and bootstrap.sh into sandboxes (install-layout contract, sections 1 and 2).
///
/// An execd image of ours (label `io.opensandbox.execd.install=1`) is installed once into a named
/// volume, from which every sandbox mounts three read-only paths: creating one copies nothing and
/// all of them share one page cache copy. From any other image the two files are read once and
/// uploaded into each container.
@NullMarked
package io.opensandbox.runtime.docker.staging;

import org.jspecify.annotations.NullMarked;
