package io.opensandbox.runtime.local.network;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// Chooses the addresses of a runtime so that they collide with nothing the host routes to.
public final class Subnets {
  private static final int FIRST = 201;
  private static final int LAST = 250;

  /// Root's, so that an ordinary user can take nothing away.
  private static final int CLAIM_PORT = 1;

  private static final Pattern TEN = Pattern.compile("(?m)^(?:\\w+ )?10(?:\\.(\\d+))?[./\\d]*");

  private Subnets() {}

  /// What a server has of `10.0.0.0/8` until it is closed.
  ///
  /// @param number second byte of the addresses
  /// @param claim absent when sandboxes run there and somebody has what stands for it, who cannot
  ///   be a server
  public record Subnet(int number, Optional<Claim> claim) implements AutoCloseable {
    @Override
    public void close() {
      claim.ifPresent(Claim::close);
    }
  }

  /// The `10.x.0.0/16` that this runtime has already, for sandboxes that run keep their addresses,
  /// or else a free one. No server that starts in the same moment gets the same.
  ///
  /// @param routes gives the output of `ip -4 route show table all`
  /// @param prefix names of this runtime's own cables begin with it
  public static Subnet take(Supplier<List<String>> routes, String prefix) {
    Set<Integer> refused = new HashSet<>();
    while (true) {
      int candidate = choose(routes.get(), prefix, refused);
      Optional<Claim> claim = Claim.of("127.10." + candidate + ".3", CLAIM_PORT);
      // Read once more: who had it may have gone since the first time and left sandboxes there.
      List<String> now = routes.get();
      if (isOwn(now, prefix, candidate)
          || (claim.isPresent() && choose(now, prefix, refused) == candidate)) {
        return new Subnet(candidate, claim);
      }
      claim.ifPresent(Claim::close);
      refused.add(candidate);
    }
  }

  private static boolean isOwn(List<String> routes, String prefix, int subnet) {
    return own(routes, prefix).filter(number -> number == subnet).isPresent();
  }

  /// The second byte of the network that is ours already or the first that nobody routes to.
  ///
  /// @param refused those that are not asked for
  static int choose(List<String> routes, String prefix, Set<Integer> refused) {
    Set<Integer> used = new HashSet<>(refused);
    routes.forEach(route -> subnet(route).ifPresent(used::add));
    return own(routes, prefix)
        .or(() ->
            IntStream.rangeClosed(FIRST, LAST)
                .filter(candidate -> !used.contains(candidate))
                .boxed()
                .findFirst())
        .orElseThrow(() ->
            new IllegalStateException(
                "no free network between 10." + FIRST + ".0.0/16 and 10." + LAST + ".0.0/16"));
  }

  private static Optional<Integer> own(List<String> routes, String prefix) {
    return routes.stream()
        .filter(route -> route.contains(" dev " + prefix + "."))
        .flatMap(route -> subnet(route).stream())
        .findFirst();
  }

  private static Optional<Integer> subnet(String route) {
    Matcher matcher = TEN.matcher(route);
    return matcher.find()
        ? Optional.ofNullable(matcher.group(1)).map(Integer::valueOf)
        : Optional.empty();
  }
}
