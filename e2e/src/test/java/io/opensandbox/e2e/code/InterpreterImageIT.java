package io.opensandbox.e2e.code;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The files of the code-interpreter image, looked at with the engine alone.
@Timeout(180)
class InterpreterImageIT {
  private static final String SCRIPT = "/opt/code-interpreter/code-interpreter.sh";
  private static final String MOUNT = "/opt/opensandbox";

  @Test
  void scriptsAreWhereTheFlatLayoutDoesNotHideThem() throws Exception {
    Ended found =
        run(
            List.of("--entrypoint", "bash"),
            "-c",
            "cd /opt/code-interpreter && test -x code-interpreter.sh && test -x code-interpreter-env.sh"
                + " && test ! -e "
                + MOUNT
                + " && echo fine");

    assertThat(found.output()).isEqualTo("fine\n");
  }

  @Test
  void startsWithAnEmptyFolderOverOpensandbox() throws Exception {
    // An unknown value is refused by the script itself, so it ran.
    Ended ended =
        run(
            List.of(
                "--tmpfs", MOUNT, "--env", "EXECD_CLONE3_COMPAT=perhaps", "--entrypoint", SCRIPT));

    assertThat(ended.status()).isEqualTo(1);
    assertThat(ended.output()).contains("EXECD_CLONE3_COMPAT must be one of", "\"perhaps\"");
  }

  @Test
  void anImageWithItsScriptsUnderOpensandboxDoesNotFindThem() throws Exception {
    String old = "opensandbox/e2e-old-code-interpreter";
    docker(
        "FROM %s\nRUN mkdir %s && cp /opt/code-interpreter/*.sh %s/\n"
            .formatted(Interpreter.IMAGE, MOUNT, MOUNT),
        "build",
        "--quiet",
        "--tag",
        old,
        "-");

    Ended visible =
        docker("", "run", "--rm", "--entrypoint", "ls", old, MOUNT + "/code-interpreter.sh");
    Ended hidden =
        docker(
            "",
            "run",
            "--rm",
            "--tmpfs",
            MOUNT,
            "--entrypoint",
            MOUNT + "/code-interpreter.sh",
            old);

    assertThat(visible.status()).isZero();
    assertThat(hidden.status()).isEqualTo(127);
    assertThat(hidden.output()).contains("no such file or directory");
  }

  @Test
  void underTheWorkaroundClone3Fails() throws Exception {
    Ended ended =
        run(
            List.of("--entrypoint", "clone3-workaround"),
            "python3",
            "-c",
            "import ctypes; libc = ctypes.CDLL(None, use_errno=True);"
                + " print(libc.syscall(435, 0, 0), ctypes.get_errno())");

    assertThat(ended.output()).isEqualTo("-1 38\n");
  }

  @Test
  void theSwitcherListsFindsAndRefusesVersions() throws Exception {
    Ended ended =
        run(
            List.of("--entrypoint", "bash"),
            "-c",
            "s=/opt/code-interpreter/code-interpreter-env.sh; source $s python list;"
                + " source $s python 3.11 && python3 --version; source $s go 9.9; source $s java 21;"
                + " echo $JAVA_HOME; source $s");

    assertThat(ended.output().lines())
        .contains("3.12.1", "3.14.3")
        .anyMatch(line -> line.startsWith("3.11."))
        .anyMatch(line -> line.startsWith("3.13."))
        .anyMatch(line -> line.startsWith("Python 3.11."))
        .contains("go 9.9 not found", "/usr/lib/jvm/java-21-openjdk-amd64")
        .anyMatch(line -> line.startsWith("usage: "));
  }

  @Test
  void eachInstalledVersionRuns() throws Exception {
    Ended ended =
        run(
            List.of("--entrypoint", "bash"),
            "-c",
            "s=/opt/code-interpreter/code-interpreter-env.sh;"
                + " for v in 18 20 22; do source $s node $v >/dev/null; node --version; npm --version; done;"
                + " for v in 17 21; do source $s java $v >/dev/null; java --version; done;"
                + " for v in 1.24 1.25; do source $s go $v >/dev/null; go version; done;"
                + " /opt/maven/bin/mvn --version");

    assertThat(ended.output().lines().filter(line -> !line.matches("\\d.*")))
        .anyMatch(line -> line.equals("v18.20.3"))
        .anyMatch(line -> line.equals("v20.14.0"))
        .anyMatch(line -> line.startsWith("v22."))
        .anyMatch(line -> line.startsWith("openjdk 17."))
        .anyMatch(line -> line.startsWith("openjdk 21."))
        .anyMatch(line -> line.startsWith("go version go1.24."))
        .anyMatch(line -> line.startsWith("go version go1.25.5 "))
        .anyMatch(line -> line.startsWith("Apache Maven 3.9.2 "));
    assertThat(ended.output().lines().filter(line -> line.matches("\\d+\\.\\d+\\.\\d+")))
        .as("npm of each Node.js")
        .hasSize(3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.11", "3.12", "3.13", "3.14"})
  void eachPythonHasItsPipItsLibrariesAndCertificates(String version) throws Exception {
    Ended ended =
        run(
            List.of("--entrypoint", "bash"),
            "-c",
            "source /opt/code-interpreter/code-interpreter-env.sh python "
                + version
                + " && python --version && pip --version && python -c 'import ctypes, ssl;"
                + " print(len(ssl.create_default_context().get_ca_certs()) > 100)'");

    assertThat(ended.output().lines())
        .anyMatch(line -> line.startsWith("Python " + version + "."))
        .anyMatch(line -> line.matches("pip .*/cpython-" + version + "\\..*"))
        .contains("True");
  }

  @Test
  void registersNoKernelThatIsThere() throws Exception {
    // An npm and a tslab that note that they were called; the script goes on until it sleeps.
    Ended ended =
        run(
            List.of("--entrypoint", "bash", "--env", "JUPYTER_HOST="),
            "-c",
            "mkdir /tmp/bin; for p in npm tslab; do printf '#!/bin/sh\\necho called: $0 >>/tmp/calls\\n' >/tmp/bin/$p;"
                + " chmod +x /tmp/bin/$p; done;"
                + " printf '#!/bin/sh\\necho asleep\\n' >/tmp/bin/sleep; chmod +x /tmp/bin/sleep;"
                + " export NODE_VERSION=none PATH=/tmp/bin:$PATH; "
                + SCRIPT
                + "; cat /tmp/calls 2>/dev/null");

    assertThat(ended.output()).contains("asleep").doesNotContain("called: ");
  }

  private static Ended run(List<String> options, String... command) throws Exception {
    List<String> all = new ArrayList<>(List.of("run", "--rm"));
    all.addAll(options);
    all.add(Interpreter.IMAGE);
    all.addAll(List.of(command));
    return docker("", all.toArray(String[]::new));
  }

  private static Ended docker(String input, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("docker"));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (var stdin = process.getOutputStream()) {
      stdin.write(input.getBytes(UTF_8));
    } catch (IOException _) {
      // The command that takes no input may have ended already.
    }
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
    return new Ended(process.exitValue(), output);
  }

  private record Ended(int status, String output) {}
}
