package io.opensandbox.execd.kernel;

import java.util.List;
import java.util.Map;

/// How a kernel is started; a `kernel.json` (jupyter-client, "Kernel specs").
///
/// @param name the directory's name
/// @param language as the spec says it
/// @param argv the command, with `{connection_file}` in one element
/// @param env added to the environment
/// @param interruptByMessage whether an interrupt is a message instead of SIGINT
record KernelSpec(
    String name,
    String language,
    List<String> argv,
    Map<String, String> env,
    boolean interruptByMessage) {
  KernelSpec {
    argv = List.copyOf(argv);
    env = Map.copyOf(env);
  }
}
