/// Volumes of sandboxes: host directories, named volumes of the engine and OSS buckets become bind
/// mounts (docker-runtime contract, section 13). Everything is checked before anything is made, and
/// what was made for a create that fails is undone.
@NullMarked
package io.opensandbox.runtime.docker.volume;

import org.jspecify.annotations.NullMarked;
