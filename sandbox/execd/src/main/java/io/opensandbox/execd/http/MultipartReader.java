package io.opensandbox.execd.http;

import io.opensandbox.execd.bytes.BytePattern;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Reads a `multipart/form-data` body part by part, without keeping more than one buffer of it.
///
/// Follows RFC 7578 and RFC 2046. Preamble and epilogue are skipped. Parameters of a disposition
/// may be quoted or not, a file name may come as RFC 5987 `filename*`.
public final class MultipartReader {
  private static final int BUFFER_BYTES = 256 * 1024;
  private static final int MAX_HEADER_BYTES = 16 * 1024;
  private static final int MAX_BOUNDARY_LENGTH = 200;

  private final InputStream in;
  private final BytePattern delimiter;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private int position;
  private int limit;
  private boolean bodyEnded;
  private @Nullable Part current;
  private boolean finished;

  /// Where the bytes of a part go.
  @FunctionalInterface
  public interface Sink {
    /// Takes the next bytes; the array is used again afterwards.
    void accept(byte[] bytes, int offset, int length) throws IOException;
  }

  /// One part; its content can be read until the next part is asked for.
  public final class Part {
    private final Headers headers;
    private final String name;
    private final @Nullable String fileName;
    private boolean ended;

    private Part(Headers headers, String name, @Nullable String fileName) {
      this.headers = headers;
      this.name = name;
      this.fileName = fileName;
    }

    /// The part's own headers.
    public Headers headers() {
      return headers;
    }

    /// The form field's name; empty when the part has none.
    public String name() {
      return name;
    }

    /// The file name, if the part has one; an empty name counts.
    public Optional<String> fileName() {
      return Optional.ofNullable(fileName);
    }

    /// Gives all (remaining) content to `sink`.
    ///
    /// @throws MultipartException when the body ends inside the part
    public void transferTo(Sink sink) throws IOException {
      while (!ended) {
        ended = transferPiece(sink);
      }
    }

    /// The content as a whole.
    ///
    /// @throws MultipartException beyond `limitBytes`, or when the body ends inside the part
    public byte[] readAll(int limitBytes) throws IOException {
      byte[][] collected = {new byte[0]};
      transferTo((bytes, offset, length) -> {
        int size = collected[0].length;
        if (length > limitBytes - size) {
          throw new MultipartException("part \"" + name + "\" exceeds " + limitBytes + " bytes");
        }
        collected[0] = Arrays.copyOf(collected[0], size + length);
        System.arraycopy(bytes, offset, collected[0], size, length);
      });
      return collected[0];
    }
  }

  private MultipartReader(InputStream in, String boundary) {
    this.in = in;
    this.delimiter = new BytePattern(("\r\n--" + boundary).getBytes(StandardCharsets.ISO_8859_1));
    // The first delimiter may stand at the very start, without a line break before it.
    buffer[limit++] = '\r';
    buffer[limit++] = '\n';
  }

  /// A reader for a request's body.
  ///
  /// @throws MultipartException if the content type is not multipart or has no usable boundary
  public static MultipartReader of(Headers headers, InputStream body) throws MultipartException {
    String type = headers.first("Content-Type").orElse("");
    int semicolon = type.indexOf(';');
    String media = (semicolon < 0 ? type : type.substring(0, semicolon)).strip();
    if (!media.equalsIgnoreCase("multipart/form-data")
        && !media.equalsIgnoreCase("multipart/mixed")) {
      throw new MultipartException("the content type is not multipart/form-data");
    }
    String boundary = HeaderParameters.find(type, "boundary").orElse("");
    if (boundary.isEmpty() || boundary.length() > MAX_BOUNDARY_LENGTH) {
      throw new MultipartException("the content type has no usable boundary");
    }
    return new MultipartReader(body, boundary);
  }

  /// The next part, after skipping what was not read of the one before; empty after the last.
  ///
  /// @throws MultipartException when the body is not well formed or ends too early
  public Optional<Part> next() throws IOException {
    if (finished) {
      return Optional.empty();
    }
    if (current == null) {
      skipToDelimiter();
    } else {
      current.transferTo((_, _, _) -> {});
    }
    if (!afterDelimiter()) {
      finished = true;
      return Optional.empty();
    }
    Part part = part(partHeaders());
    current = part;
    return Optional.of(part);
  }

  private Part part(Headers headers) {
    String disposition = headers.first("Content-Disposition").orElse("");
    String name = HeaderParameters.find(disposition, "name").orElse("");
    Optional<String> fileName =
        HeaderParameters.findExtended(disposition, "filename")
            .or(() -> HeaderParameters.find(disposition, "filename"));
    return new Part(headers, name, fileName.orElse(null));
  }

  private void skipToDelimiter() throws IOException {
    while (!transferPiece((_, _, _) -> {})) {
      // The preamble has no meaning.
    }
  }

  /// Passes on what is certainly content; gives whether the delimiter was reached (and taken).
  private boolean transferPiece(Sink sink) throws IOException {
    int found = delimiter.find(buffer, position, limit);
    if (found >= 0) {
      emit(sink, found);
      position = found + delimiter.length();
      return true;
    }
    emit(sink, Math.max(position, limit - delimiter.length() + 1));
    if (!fill()) {
      throw new MultipartException("the form ends before its last boundary");
    }
    return false;
  }

  private void emit(Sink sink, int end) throws IOException {
    if (end > position) {
      sink.accept(buffer, position, end - position);
      position = end;
    }
  }

  /// Reads what follows a delimiter; gives whether a part comes (and not the end).
  private boolean afterDelimiter() throws IOException {
    int c = require();
    if (c == '-') {
      if (require() != '-') {
        throw new MultipartException("malformed boundary line");
      }
      return false;
    }
    while (c == ' ' || c == '\t') {
      c = require();
    }
    if (c != '\r' || require() != '\n') {
      throw new MultipartException("malformed boundary line");
    }
    return true;
  }

  private Headers partHeaders() throws IOException {
    Headers headers = new Headers();
    int budget = MAX_HEADER_BYTES;
    while (true) {
      String line = line(budget);
      if (line.isEmpty()) {
        return headers;
      }
      budget -= line.length() + 2;
      int colon = line.indexOf(':');
      if (colon <= 0) {
        throw new MultipartException("malformed header in a part");
      }
      headers.addUnchecked(line.substring(0, colon).strip(), line.substring(colon + 1).strip());
    }
  }

  private String line(int budget) throws IOException {
    StringBuilder line = new StringBuilder(80);
    while (true) {
      int c = require();
      if (c == '\r') {
        c = require();
        if (c == '\n') {
          return line.toString();
        }
        throw new MultipartException("malformed line end in a part's headers");
      }
      if (line.length() >= budget) {
        throw new MultipartException("the headers of a part exceed " + MAX_HEADER_BYTES + " bytes");
      }
      line.append((char) c);
    }
  }

  private int require() throws IOException {
    if (position == limit && !fill()) {
      throw new MultipartException("the form ends before its last boundary");
    }
    return buffer[position++] & 0xff;
  }

  private boolean fill() throws IOException {
    if (bodyEnded) {
      return false;
    }
    if (position > 0) {
      System.arraycopy(buffer, position, buffer, 0, limit - position);
      limit -= position;
      position = 0;
    }
    int count = in.read(buffer, limit, buffer.length - limit);
    if (count < 0) {
      bodyEnded = true;
      return false;
    }
    limit += count;
    return true;
  }
}
