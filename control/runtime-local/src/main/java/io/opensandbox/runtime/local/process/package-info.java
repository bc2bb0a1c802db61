/// Starts the outside programs that this runtime uses (`ip`, `nft`, `bwrap`, `skopeo`, `tar`).
///
/// Everything goes through [io.opensandbox.runtime.local.process.Runner], so that tests can replace
/// it and so that environment, time limits and output limits are decided once.
@NullMarked
package io.opensandbox.runtime.local.process;

import org.jspecify.annotations.NullMarked;
