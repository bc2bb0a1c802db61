package io.opensandbox.execd.file;

import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import java.io.IOException;
import java.nio.file.Path;

/// `POST /files/permissions`: `{path: {owner, group, mode}}`. The whole body is checked before the
/// first file is changed.
final class PermissionChange implements Handler {
  private final WantedPermissions wanted;

  PermissionChange(WantedPermissions wanted) {
    this.wanted = wanted;
  }

  @Override
  public void handle(Exchange exchange) throws IOException {
    wanted.read(exchange).forEach(PermissionChange::apply);
    exchange.respondEmpty(200);
  }

  private static void apply(Path path, Permissions permissions) {
    try {
      FileStatus.of(path);
      permissions.apply(path);
    } catch (IOException e) {
      throw FileErrors.of("error changing permissions for", path, e);
    }
  }
}
