package io.opensandbox.server.http;

import io.opensandbox.protocol.lifecycle.ErrorCode;
import io.opensandbox.protocol.lifecycle.SandboxException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/// Reads the text of a JSON body within a limit.
final class JsonBody {
  // A client that is still sending does not read our answer and sees a reset instead, so that much
  // of a body over the limit is read and thrown away before it is refused.
  private static final long DRAIN_BYTES = 64L << 20;
  private static final Pattern MEDIA_TYPE = Pattern.compile("application/(json|[^\\s/;]+\\+json)");
  private static final Pattern UTF_8 = Pattern.compile("\"?utf-?8\"?");

  private JsonBody() {}

  /// The text of the body, or empty when there are no bytes in it.
  ///
  /// @param contentTypes every `Content-Type` of the request
  static Optional<String> read(List<String> contentTypes, InputStream in, int maxBytes)
      throws IOException {
    byte[] bytes = in.readNBytes(maxBytes + 1);
    if (bytes.length > maxBytes) {
      drain(in);
      throw new SandboxException(
          ErrorCode.PAYLOAD_TOO_LARGE, "request body is larger than " + maxBytes + " bytes");
    }
    if (bytes.length == 0) {
      return Optional.empty();
    }
    checkContentType(contentTypes);
    return Optional.of(decode(bytes));
  }

  private static void drain(InputStream in) throws IOException {
    byte[] buffer = new byte[1 << 16];
    long left = DRAIN_BYTES;
    int count = in.read(buffer);
    while (count >= 0 && left > 0) {
      left -= count;
      count = in.read(buffer);
    }
  }

  private static void checkContentType(List<String> contentTypes) {
    Set<String> distinct = new HashSet<>();
    for (String type : contentTypes) {
      distinct.add(type.strip().toLowerCase(Locale.ROOT));
    }
    distinct.remove("");
    if (distinct.size() > 1) {
      throw invalid("Content-Type must be given once");
    }
    for (String type : distinct) {
      String[] parts = type.split(";", -1);
      if (!MEDIA_TYPE.matcher(parts[0].strip()).matches()) {
        throw invalid("Content-Type must be application/json");
      }
      for (int i = 1; i < parts.length; i++) {
        String parameter = parts[i].strip();
        if (parameter.startsWith("charset=")
            && !UTF_8.matcher(parameter.substring("charset=".length()).strip()).matches()) {
          throw invalid("charset of the body must be utf-8");
        }
      }
    }
  }

  private static String decode(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException _) {
      throw invalid("request body is not UTF-8");
    }
  }

  private static SandboxException invalid(String message) {
    return new SandboxException(ErrorCode.INVALID_PARAMETER, message);
  }
}
