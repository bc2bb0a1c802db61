package io.opensandbox.execd.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.opensandbox.execd.account.AccountDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CredentialsTest {
  @TempDir Path folder;
  private AccountDatabase accounts;

  @BeforeEach
  void writeFiles() throws IOException {
    Path passwd = Files.writeString(folder.resolve("passwd"), "alice:x:1000:100::/:/bin/sh\n");
    Path group = Files.writeString(folder.resolve("group"), "docker:x:999:alice\n");
    accounts = new AccountDatabase(passwd, group);
  }

  @Test
  void knownUserBringsItsGroups() {
    var credentials = Credentials.of(accounts, 1000, OptionalLong.empty());

    assertThat(credentials).isEqualTo(new Credentials(1000, 100, List.of(100L, 999L)));
  }

  @Test
  void unknownUserWithoutGroupGetsGroupOfSameNumber() {
    var credentials = Credentials.of(accounts, 4321, OptionalLong.empty());

    assertThat(credentials).isEqualTo(new Credentials(4321, 4321, List.of()));
  }

  @Test
  void givenGroupWinsAndKeepsSupplementaryOnes() {
    var credentials = Credentials.of(accounts, 1000, OptionalLong.of(7));

    assertThat(credentials).isEqualTo(new Credentials(1000, 7, List.of(100L, 999L)));
  }
}
