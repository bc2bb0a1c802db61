package io.opensandbox.execd.log;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.InstantSource;

/// A log file that is put aside at 100 MB; ten such files are kept, for 30 days.
final class FileSink implements LogSink {
  static final int BACKUPS = 10;
  static final Duration BACKUP_AGE = Duration.ofDays(30);

  private final Path file;
  private final long maxBytes;
  private final InstantSource clock;
  private OutputStream out;
  private long size;

  FileSink(Path file, long maxBytes, InstantSource clock) throws IOException {
    this.file = file;
    this.maxBytes = maxBytes;
    this.clock = clock;
    this.out = open(file);
    this.size = Files.size(file);
  }

  private static OutputStream open(Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    return new FileOutputStream(file.toFile(), true);
  }

  @Override
  public void write(byte[] line) throws IOException {
    if (size > 0 && size + line.length > maxBytes) {
      rotate();
    }
    out.write(line);
    size += line.length;
  }

  private void rotate() throws IOException {
    out.close();
    for (int number = BACKUPS; number >= 1; number--) {
      Path from = number == 1 ? file : backup(number - 1);
      if (Files.exists(from)) {
        Files.move(from, backup(number), StandardCopyOption.REPLACE_EXISTING);
      }
    }
    dropOld();
    out = open(file);
    size = 0;
  }

  private void dropOld() throws IOException {
    FileTime oldest = FileTime.from(clock.instant().minus(BACKUP_AGE));
    for (int number = 1; number <= BACKUPS; number++) {
      Path backup = backup(number);
      if (Files.exists(backup) && Files.getLastModifiedTime(backup).compareTo(oldest) < 0) {
        Files.delete(backup);
      }
    }
  }

  private Path backup(int number) {
    return file.resolveSibling(file.getFileName() + "." + number);
  }
}
