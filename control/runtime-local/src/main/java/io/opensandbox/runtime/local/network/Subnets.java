package io.opensandbox.runtime.local.network;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// Chooses the addresses of a runtime so that they collide with nothing the host routes to.
public final class Subnets {
  private static final int FIRST = 201;
  private static final int LAST = 250;
  private static final Pattern TEN = Pattern.compile("(?m)^(?:\\w+ )?10(?:\\.(\\d+))?[./\\d]*");

  private Subnets() {}

  /// The second byte of the `10.x.0.0/16` that this runtime has already, for sandboxes that run
  /// keep their addresses, or else of a free one.
  ///
  /// @param routes output of `ip -4 route show table all`
  /// @param prefix names of this runtime's own cables begin with it
  public static int choose(List<String> routes, String prefix) {
    Set<Integer> used = new HashSet<>();
    for (String route : routes) {
      Matcher matcher = TEN.matcher(route);
      if (matcher.find() && matcher.group(1) != null) {
        int subnet = Integer.parseInt(matcher.group(1));
        if (route.contains(" dev " + prefix + ".")) {
          return subnet;
        }
        used.add(subnet);
      }
    }
    return IntStream.rangeClosed(FIRST, LAST)
        .filter(candidate -> !used.contains(candidate))
        .findFirst()
        .orElseThrow(() ->
            new IllegalStateException(
                "no free network between 10." + FIRST + ".0.0/16 and 10." + LAST + ".0.0/16"));
  }
}
