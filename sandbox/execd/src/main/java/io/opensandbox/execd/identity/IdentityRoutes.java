package io.opensandbox.execd.identity;

import io.opensandbox.execd.account.AccountDatabase;
import io.opensandbox.execd.http.Exchange;
import io.opensandbox.execd.http.Router;
import io.opensandbox.execd.process.Credentials;
import io.opensandbox.protocol.execd.ErrorCode;
import io.opensandbox.protocol.execd.ExecdException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.OptionalLong;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/// The routes below `/v1/filesystem/{uid}/{gid}`.
public final class IdentityRoutes {
  private static final String PREFIX = "/v1/filesystem/";
  private static final String BASE = PREFIX + "{uid}/{gid}";

  /// Of threads, which are not as cheap as those of other requests.
  private static final int MAX_REQUESTS = 64;

  private final Router files;
  private final AccountDatabase accounts;
  private final Semaphore room = new Semaphore(MAX_REQUESTS);

  /// Guarded by this.
  private @Nullable ThreadIdentity threads;

  /// @param files the routes that are to be had for every user
  public IdentityRoutes(Router files, AccountDatabase accounts) {
    this.files = files;
    this.accounts = accounts;
  }

  /// Adds the routes.
  public void register(Router router) {
    for (Router.Route route : files.routes()) {
      String pattern = BASE + route.pattern();
      router.add(route.method(), pattern, exchange -> handle(exchange, pattern));
    }
  }

  private void handle(Exchange exchange, String pattern) throws IOException {
    Credentials who =
        Credentials.of(accounts, id(exchange, "uid"), OptionalLong.of(id(exchange, "gid")));
    String rawPath = exchange.rawPath();
    int afterUid = rawPath.indexOf('/', PREFIX.length());
    Exchange plain = exchange.withRawPath(rawPath.substring(rawPath.indexOf('/', afterUid + 1)));
    try {
      serve(plain, who);
    } finally {
      exchange.matched(pattern);
    }
  }

  private static long id(Exchange exchange, String name) {
    String text = exchange.pathParameter(name);
    return AccountDatabase.parseId(text)
        .orElseThrow(() ->
            new ExecdException(
                ErrorCode.INVALID_REQUEST_BODY,
                "path parameter '%s' must be an integer from 0 to 4294967294, not \"%s\""
                    .formatted(name, text)));
  }

  private void serve(Exchange exchange, Credentials who) throws IOException {
    ThreadIdentity identity = threads();
    FutureTask<@Nullable Void> request =
        new FutureTask<>(() -> {
          if (!identity.assume(who)) {
            throw new ExecdException(
                ErrorCode.FORBIDDEN,
                "execd may not act as user %d and group %d here".formatted(who.uid(), who.gid()));
          }
          files.handle(exchange);
          return null;
        });
    try {
      room.acquire();
      try {
        Thread.ofPlatform().daemon().name("as-" + who.uid()).start(request);
        request.get();
      } finally {
        room.release();
      }
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException cause -> throw cause;
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        case null, default -> throw new IllegalStateException(e);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(e.getMessage());
    }
  }

  private synchronized ThreadIdentity threads() {
    ThreadIdentity found = threads;
    if (found == null) {
      try {
        found = new ThreadIdentity(System.getProperty("os.arch", ""));
      } catch (UnsupportedOperationException e) {
        throw new ExecdException(ErrorCode.NOT_SUPPORTED, String.valueOf(e.getMessage()), e);
      }
      threads = found;
    }
    return found;
  }
}
