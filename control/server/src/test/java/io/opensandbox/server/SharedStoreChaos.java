package io.opensandbox.server;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.opensandbox.server.config.Config;
import io.opensandbox.server.store.PostgresqlServer;

/// The server killed at each step; another that shares its database takes over when the leases of
/// the first run out.
class SharedStoreChaos extends ChaosSuite {
  // Each kill costs this long; a machine that stalls for longer would take work from the living.
  private static final int LEASE_SECONDS = 5;

  @Override
  Config config() {
    assumeTrue(PostgresqlServer.isInstalled(), "the Debian package postgresql is not installed");
    return TestServer.config(
        folder, PostgresqlServer.toml(PostgresqlServer.shared().newDatabase(), LEASE_SECONDS));
  }

  @Override
  int stride() {
    return 2;
  }
}
