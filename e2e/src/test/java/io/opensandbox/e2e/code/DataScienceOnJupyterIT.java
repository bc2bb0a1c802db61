package io.opensandbox.e2e.code;

import java.util.Map;

/// With the Jupyter server of the image, as published.
class DataScienceOnJupyterIT extends DataScienceTck {
  @Override
  Interpreter createInterpreter() {
    Interpreter interpreter = Interpreter.create(Map.of());
    interpreter.awaitJupyter();
    return interpreter;
  }

  @Override
  String deathReason() {
    return "the kernel died and the Jupyter server starts it again";
  }
}
