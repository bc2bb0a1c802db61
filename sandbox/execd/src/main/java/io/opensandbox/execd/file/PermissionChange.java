package io.opensandbox.execd.file;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.path.PathView;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// `POST /files/permissions`: `{path: {owner, group, mode}}`. The whole body is checked before the
/// first file is changed.
final class PermissionChange implements Handler {
  private final PathView paths;
  private final AccountDatabase accounts;
  private final long bodyLimit;

  PermissionChange(PathView paths, AccountDatabase accounts, long bodyLimit) {
    this.paths = paths;
    this.accounts = accounts;
    this.bodyLimit = bodyLimit;
  }

  @Override
  public void handle(Exchange exchange) throws IOException {
    parse(JsonParser.parseObject(exchange.readBody(bodyLimit))).forEach(PermissionChange::apply);
    exchange.respondEmpty(200);
  }

  private Map<Path, Permissions> parse(JsonObject body) {
    Map<Path, Permissions> changes = new LinkedHashMap<>();
    for (String text : body.members().keySet()) {
      Permissions permissions =
          Permissions.parse(body.object(text).orElse(JsonObject.EMPTY), accounts);
      changes.put(paths.expand(text), permissions);
    }
    return changes;
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
