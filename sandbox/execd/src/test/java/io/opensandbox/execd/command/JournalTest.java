package io.opensandbox.execd.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class JournalTest {
  private static final JournalLimits LIMITS = new JournalLimits(8, 100, 400, 10_000);

  @TempDir Path folder;
  private final AtomicLong diskBytes = new AtomicLong();

  @Test
  void smallOutputNeedsNoFile() throws IOException {
    Journal journal = journal();
    append(journal, "12345678");

    assertThat(read(journal, 0)).isEqualTo("12345678");
    assertThat(files()).isZero();
  }

  @Test
  void outputIsReadAtItsOffset_acrossSegments() throws IOException {
    Journal journal = journal();
    for (int i = 0; i < 30; i++) {
      append(journal, "line %04d\n".formatted(i));
    }

    assertThat(read(journal, 95)).startsWith("0009\nline 0010\n").endsWith("line 0029\n");
    assertThat(journal.end()).isEqualTo(300);
    assertThat(diskBytes.get()).isEqualTo(300);
  }

  @Test
  void oldestOutputGoesFirst_andReadersBeginAtWhatIsLeft() throws IOException {
    Journal journal = journal();
    for (int i = 0; i < 1000; i++) {
      append(journal, "line %04d\n".formatted(i));
    }

    assertThat(journal.end()).isEqualTo(10_000);
    assertThat(journal.start()).isBetween(9_500L, 9_800L);
    assertThat(read(journal, 0)).hasSizeLessThanOrEqualTo(400).endsWith("line 0999\n");
    assertThat(diskBytes.get()).isEqualTo(journal.end() - journal.start());
    assertThat(files()).isLessThanOrEqualTo(4);
  }

  @Test
  void eventsAreCountedFromTheBeginning() throws IOException {
    Journal journal = journal();
    for (int i = 1; i <= 20; i++) {
      appendEvent(journal, "{event %02d}\n\n".formatted(i));
    }

    try (Journal.Reader reader = journal.readerAfterEvents(13)) {
      assertThat(readAll(reader)).startsWith("{event 14}\n\n").endsWith("{event 20}\n\n");
    }
  }

  @Test
  void eventsThatAreGoneAreTold() throws IOException {
    Journal journal = journal();
    for (int i = 1; i <= 99; i++) {
      appendEvent(journal, "{event %02d}\n\n".formatted(i));
    }

    try (Journal.Reader reader = journal.readerAfterEvents(3)) {
      long next = reader.eventsBefore() + 1;
      assertThat(next).isGreaterThan(50);
      assertThat(readAll(reader)).startsWith("{event " + next + "}\n\n");
    }
  }

  @Test
  void slowReaderIsWaitedFor() throws Exception {
    Journal journal = journal();
    append(journal, "x".repeat(90));
    try (Journal.Reader reader = journal.readerAt(0)) {
      CompletableFuture<Void> writer =
          CompletableFuture.runAsync(() -> appendLines(journal, 100), Thread::startVirtualThread);

      var read = new ByteArrayOutputStream();
      while (read.size() < 90 + 1000) {
        assertThat(reader.awaitMore(Duration.ofSeconds(60))).isTrue();
        read.writeBytes(readAll(reader).getBytes(StandardCharsets.UTF_8));
      }

      writer.join();
      assertThat(read.toString(StandardCharsets.UTF_8)).endsWith("line 0099\n").hasSize(1090);
    }
  }

  @Test
  void awaitMoreEndsWithTheJournal() throws Exception {
    Journal journal = journal();
    try (Journal.Reader reader = journal.readerAt(0)) {
      journal.finish();

      assertThat(reader.awaitMore(Duration.ofSeconds(60))).isFalse();
    }
  }

  @Test
  void deletedJournalLeavesNothing() throws IOException {
    Journal journal = journal();
    append(journal, "x".repeat(1000));

    journal.delete();

    assertThat(files()).isZero();
    assertThat(diskBytes.get()).isZero();
  }

  @Test
  void anotherJournalTakesOverWhatWasPersisted() throws IOException {
    Journal journal = journal();
    append(journal, "abc");
    journal.finish();
    var restored = new Journal(folder, "id", LIMITS, new AtomicLong());

    restored.restore(journal.persist(), 0);

    assertThat(read(restored, 1)).isEqualTo("bc");
  }

  private Journal journal() {
    return new Journal(folder, "id", LIMITS, diskBytes);
  }

  private static void appendLines(Journal journal, int count) {
    try {
      for (int i = 0; i < count; i++) {
        append(journal, "line %04d\n".formatted(i));
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void append(Journal journal, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    journal.append(bytes, bytes.length, 0, false);
  }

  private static void appendEvent(Journal journal, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    journal.append(bytes, bytes.length, 1, false);
  }

  private static String read(Journal journal, long offset) throws IOException {
    try (Journal.Reader reader = journal.readerAt(offset)) {
      return readAll(reader);
    }
  }

  private static String readAll(Journal.Reader reader) throws IOException {
    var all = new ByteArrayOutputStream();
    var block = new byte[7];
    for (int length = reader.read(block); length > 0; length = reader.read(block)) {
      all.write(block, 0, length);
    }
    return all.toString(StandardCharsets.UTF_8);
  }

  private long files() throws IOException {
    try (var files = Files.list(folder)) {
      return files.count();
    }
  }
}
