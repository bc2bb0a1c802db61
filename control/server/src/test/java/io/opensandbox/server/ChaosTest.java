package io.opensandbox.server;

import io.opensandbox.server.config.Config;

/// The server killed at each step and started again on its file.
class ChaosTest extends ChaosSuite {
  @Override
  Config config() {
    return TestServer.config(folder, "");
  }

  @Override
  int stride() {
    return 1;
  }
}
