package io.opensandbox.runtime.local;

import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.runtime.escape.Attempt;
import io.opensandbox.runtime.escape.EscapeTck;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;

/// The attempts of every runtime, on the image `host`.
final class LocalEscapeIT extends EscapeTck {
  private static final String ABSENT = "(?s).*No such file or directory.*";

  @RegisterExtension static final SuiteRuntime local = new SuiteRuntime();

  @BeforeAll
  static void findPython() {
    Assumptions.assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/python3")), "the attempts need python3");
  }

  @Override
  protected SandboxRuntime runtime() {
    return local.get();
  }

  @Override
  protected String image() {
    return "host";
  }

  /// An ordinary user's root has no power over files of users that its namespace lacks.
  @Override
  protected Map<String, String> differences() {
    return TestRuntime.isRootless()
        ? Map.of("write to the host's programs", "(?s).*Permission denied.*")
        : Map.of();
  }

  @Override
  protected List<Attempt> more() {
    return List.of(
        new Attempt(
            "change the mode of the host's devices",
            "chmod 666 /dev/full /dev/null /proc/self/fd/0 2>&1 | grep -c 'Read-only'",
            "3\n"),
        new Attempt(
            "see nobody else's processes",
            "ls -d /proc/[0-9]* | wc -l | grep -cE '^1?[0-9]$'",
            "1\n"),
        new Attempt("see no socket at all", "tail -n +2 /proc/net/unix | wc -l", "0\n"),
        new Attempt("read the host's passwords", "cat /etc/shadow", ABSENT),
        new Attempt("read ssh keys", "ls /root/.ssh /etc/ssh", ABSENT),
        new Attempt(
            "find secrets of the host",
            """
            shopt -s nullglob dotglob
            for one in /etc/{*shadow*,ssl/private,sudoers*,machine-id,netrc,environment,fstab} \
                /etc/{docker,containers,kubernetes,cloud,wireguard,letsencrypt,ppp,NetworkManager} \
                /root/{.docker,.netrc,.aws,.kube,.config,.bash_history,.gnupg} /home/* /srv/* \
                /run/secrets /var/lib/* /var/log/* /var/spool/* /var/run/*.sock; do
              if [ -e "$one" ]; then echo "$one"; fi
            done
            grep -vE '^[^:]+:x:' /etc/passwd /etc/group
            """,
            ""));
  }
}
