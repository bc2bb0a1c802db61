package io.opensandbox.e2e.code;

import java.util.Map;

/// With kernels that execd starts itself.
class DataScienceIT extends DataScienceTck {
  @Override
  Interpreter createInterpreter() {
    return Interpreter.create(Map.of("JUPYTER_HOST", ""));
  }

  @Override
  String deathReason() {
    return "the kernel ended: signal: killed";
  }
}
