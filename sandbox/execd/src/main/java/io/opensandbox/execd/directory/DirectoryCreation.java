package io.opensandbox.execd.directory;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.file.FileErrors;
import io.opensandbox.execd.file.NewOwner;
import io.opensandbox.execd.file.Permissions;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Handler;
import io.opensandbox.execd.json.JsonObject;
import io.opensandbox.execd.json.JsonParser;
import io.opensandbox.execd.path.PathView;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// `POST /directories`: `{path: {owner, group, mode}}`, with all parents. Mode and owners are for a
/// directory that was not there before; one that was is left alone.
final class DirectoryCreation implements Handler {
  private final PathView paths;
  private final AccountDatabase accounts;
  private final long bodyLimit;
  private final NewOwner owner;

  DirectoryCreation(PathView paths, AccountDatabase accounts, long bodyLimit, NewOwner owner) {
    this.paths = paths;
    this.accounts = accounts;
    this.bodyLimit = bodyLimit;
    this.owner = owner;
  }

  @Override
  public void handle(Exchange exchange) throws IOException {
    parse(JsonParser.parseObject(exchange.readBody(bodyLimit))).forEach(this::create);
    exchange.respondEmpty(200);
  }

  private Map<Path, Permissions> parse(JsonObject body) {
    Map<Path, Permissions> wanted = new LinkedHashMap<>();
    for (String text : body.members().keySet()) {
      Permissions permissions =
          Permissions.parse(body.object(text).orElse(JsonObject.EMPTY), accounts);
      wanted.put(paths.expand(text), permissions);
    }
    return wanted;
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
