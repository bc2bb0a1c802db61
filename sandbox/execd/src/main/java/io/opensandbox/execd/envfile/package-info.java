/// The file of variables that `EXECD_ENVS` names, merged into the environment of every command.
@NullMarked
package io.opensandbox.execd.envfile;

import org.jspecify.annotations.NullMarked;
