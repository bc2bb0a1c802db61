/// The file of variables that `EXECD_ENVS` names, merged into the environment of every command, and
/// in a part of it the variables that the sandbox was given after execd was started.
@NullMarked
package io.opensandbox.execd.envfile;

import org.jspecify.annotations.NullMarked;
