package io.opensandbox.e2e.escape;

import io.opensandbox.e2e.wire.Execd;
import io.opensandbox.e2e.wire.Reply;
import java.util.function.Function;

/// One try to reach what is the host's, and what must come of it.
///
/// @param name what is tried
/// @param request what is sent to the sandbox's execd
/// @param status of the answer
/// @param says what the answer has in it, in any case
/// @param inside a command that must end with 0 in the sandbox afterwards
record Attempt(
    String name, Function<Execd, Reply> request, int status, String says, String inside) {
  static Attempt of(String name, Function<Execd, Reply> request, int status) {
    return new Attempt(name, request, status, "", "true");
  }

  Attempt saying(String text) {
    return new Attempt(name, request, status, text, inside);
  }

  Attempt leaving(String command) {
    return new Attempt(name, request, status, says, command);
  }

  @Override
  public String toString() {
    return name;
  }
}
