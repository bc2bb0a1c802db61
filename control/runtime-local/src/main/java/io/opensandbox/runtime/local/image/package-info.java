/// Images and their layers on disk.
///
/// A layer is a directory below `layers/`, complete as soon as it has its name: it is filled under
/// another name and renamed. Deleted files are character devices 0:0 and replaced directories carry
/// the attribute `user.overlay.opaque`, as overlayfs with `userxattr` expects. An image is a JSON
/// file that names layers; a snapshot is an image whose top layer is what a sandbox had written.
/// `host` is the machine's own system. Pulling is left to skopeo and unpacking to tar.
@NullMarked
package io.opensandbox.runtime.local.image;

import org.jspecify.annotations.NullMarked;
