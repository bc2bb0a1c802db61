package io.opensandbox.execd.command;

import io.opensandbox.execd.process.ProcessSpec;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// What a command is to do, with everything looked up.
///
/// @param spec the process; null when there is nothing that could be started
/// @param problem why there is no process; empty when there is one
/// @param stdin what the process reads; null for nothing
/// @param timeout zero for none
record Plan(@Nullable ProcessSpec spec, String problem, @Nullable String stdin, Duration timeout) {}
