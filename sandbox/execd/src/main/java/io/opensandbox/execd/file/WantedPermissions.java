package io.opensandbox.execd.file;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.path.PathView;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// The bodies `{path: {owner, group, mode}}`.
public final class WantedPermissions {
  private final PathView paths;
  private final AccountDatabase accounts;
  private final long bodyLimit;

  /// @param bodyLimit the most bytes of a body
  public WantedPermissions(PathView paths, AccountDatabase accounts, long bodyLimit) {
    this.paths = paths;
    this.accounts = accounts;
    this.bodyLimit = bodyLimit;
  }

  /// What a request wants for each path, in its order. All of it is checked before anything is
  /// returned.
  ///
  /// @throws io.opensandbox.protocol.execd.ExecdException when the body asks for what cannot be
  public Map<Path, Permissions> read(Exchange exchange) throws IOException {
    JsonObject body = JsonParser.parseObject(exchange.readBody(bodyLimit));
    Map<Path, Permissions> wanted = new LinkedHashMap<>();
    for (String text : body.members().keySet()) {
      Permissions permissions =
          Permissions.parse(body.object(text).orElse(JsonObject.EMPTY), accounts);
      wanted.put(paths.expand(text), permissions);
    }
    return wanted;
  }
}
