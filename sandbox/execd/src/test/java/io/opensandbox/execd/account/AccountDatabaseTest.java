package io.opensandbox.execd.account;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AccountDatabaseTest {
  @TempDir Path folder;
  private AccountDatabase accounts;

  @BeforeEach
  void writeFiles() throws IOException {
    Files.writeString(
        folder.resolve("passwd"),
        """
        root:x:0:0:root:/root:/bin/sh
        broken line
        bad:x:-1:1:::
        alice:x:1000:100:Alice:/home/alice:/bin/bash
        """);
    Files.writeString(
        folder.resolve("group"),
        """
        root:x:0:
        users:x:100:alice
        docker:x:999:bob,alice
        audio:x:29:bob
        """);
    accounts = new AccountDatabase(folder.resolve("passwd"), folder.resolve("group"));
  }

  @Test
  void findsUserByNameAndNumber() {
    var alice = new Account("alice", 1000, 100, "/home/alice");

    assertThat(accounts.findUser("alice")).contains(alice);
    assertThat(accounts.findUser(1000)).contains(alice);
    assertThat(accounts.findUser("bad")).isEmpty();
  }

  @Test
  void groupsStartWithThePrimaryOneAndDoNotRepeat() {
    var alice = accounts.findUser("alice").orElseThrow();

    assertThat(accounts.groupsOf(alice)).isEqualTo(List.of(100L, 999L));
  }

  @Test
  void findsGroupByName() {
    assertThat(accounts.findGroup("docker")).isEqualTo(OptionalLong.of(999));
    assertThat(accounts.findGroup("nobody")).isEmpty();
  }

  @Test
  void missingFilesAreEmpty() {
    var none = new AccountDatabase(folder.resolve("a"), folder.resolve("b"));

    assertThat(none.findUser(0)).isEmpty();
    assertThat(none.findGroup("root")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-1", "4294967295", "99999999999", "1x", "٣"})
  void refusesWhatIsNoId(String text) {
    assertThat(AccountDatabase.parseId(text)).isEmpty();
  }

  @Test
  void acceptsTheWholeRangeOfIds() {
    assertThat(AccountDatabase.parseId("0")).hasValue(0);
    assertThat(AccountDatabase.parseId("4294967294")).hasValue(AccountDatabase.MAX_ID);
  }
}
