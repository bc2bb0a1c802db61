package io.opensandbox.execd.directory;

import io.opensandbox.execd.file.FileErrors;
import io.opensandbox.execd.file.NewOwner;
import io.opensandbox.execd.file.Permissions;
import io.opensandbox.execd.file.WantedPermissions;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import java.io.IOException;
import java.nio.file.Path;

/// `POST /directories`: `{path: {owner, group, mode}}`, with all parents. Mode and owners are for a
/// directory that was not there before; one that was is left alone.
final class DirectoryCreation implements Handler {
  private final WantedPermissions wanted;
  private final NewOwner owner;

  DirectoryCreation(WantedPermissions wanted, NewOwner owner) {
    this.wanted = wanted;
    this.owner = owner;
  }

  @Override
  public void handle(Exchange exchange) throws IOException {
    wanted.read(exchange).forEach(this::create);
    exchange.respondEmpty(200);
  }

  private void create(Path path, Permissions permissions) {
    try {
      if (owner.createDirectories(path)) {
        permissions.apply(path);
      }
    } catch (IOException e) {
      throw FileErrors.failed("error creating directory", path, e);
    }
  }
}
