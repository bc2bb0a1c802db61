/// Turns the path texts of requests into paths: variables, `~`, relative to the working directory.
/// It decides nothing about access; the API may address whatever the daemon can see.
@NullMarked
package io.opensandbox.execd.path;

import org.jspecify.annotations.NullMarked;
