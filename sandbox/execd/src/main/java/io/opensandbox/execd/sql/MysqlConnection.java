package io.opensandbox.execd.sql;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// One connection to the sandbox's own database server: no TLS, no password.
final class MysqlConnection implements AutoCloseable {
  private static final int CONNECT_MILLIS = 5000;
  private static final int MAX_RESULT_BYTES = 6 * 1024 * 1024;
  private static final int COM_INIT_DB = 2;
  private static final int COM_QUERY = 3;
  private static final int UTF8MB4 = 45;

  // CLIENT_LONG_PASSWORD, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, MULTI_RESULTS, PLUGIN_AUTH
  private static final int CAPABILITIES = 0x1 | 0x200 | 0x2000 | 0x8000 | 0x20000 | 0x80000;

  private final Socket socket;
  private final InputStream in;
  private final OutputStream out;
  private int sequence;

  private MysqlConnection(Socket socket) throws IOException {
    this.socket = socket;
    this.in = new BufferedInputStream(socket.getInputStream(), 8 * 1024);
    this.out = socket.getOutputStream();
  }

  /// Connects and logs in.
  static MysqlConnection open(InetSocketAddress address, String user) throws IOException {
    Socket socket = new Socket();
    try {
      socket.connect(address, CONNECT_MILLIS);
      socket.setTcpNoDelay(true);
      MysqlConnection connection = new MysqlConnection(socket);
      connection.logIn(user);
      return connection;
    } catch (IOException | RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  /// Makes a database the default one.
  void use(String database) throws IOException {
    sequence = 0;
    write(command(COM_INIT_DB, database));
    Packet answer = read();
    if (!answer.isOk()) {
      throw refused(answer);
    }
  }

  /// Runs one statement. Of several result sets the first counts.
  SqlResult run(String statement) throws IOException {
    sequence = 0;
    write(command(COM_QUERY, statement));
    Packet answer = read();
    if (answer.isError()) {
      throw refused(answer);
    }
    if (answer.isOk()) {
      return new SqlResult.Affected(answer.skip(1).number());
    }
    return rows(answer.number());
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  private SqlResult rows(long count) throws IOException {
    List<String> columns = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      columns.add(columnName(read()));
    }
    Packet separator = read();
    if (!separator.isEof()) {
      throw new IOException("the database server sent something else than its rows");
    }
    List<List<@Nullable String>> rows = new ArrayList<>();
    long total = 0;
    for (Packet packet = read(); !packet.isEof(); packet = read()) {
      if (packet.isError()) {
        throw refused(packet);
      }
      total += packet.length();
      if (total > MAX_RESULT_BYTES) {
        throw new IOException(
            "the result is larger than %d bytes; add a LIMIT".formatted(MAX_RESULT_BYTES));
      }
      List<@Nullable String> row = new ArrayList<>(columns.size());
      for (int i = 0; i < columns.size(); i++) {
        row.add(packet.text());
      }
      rows.add(row);
    }
    return new SqlResult.Rows(columns, rows);
  }

  /// Catalog, schema, table and original table come before the name.
  private static String columnName(Packet packet) throws IOException {
    for (int i = 0; i < 4; i++) {
      packet.text();
    }
    return Objects.requireNonNullElse(packet.text(), "");
  }

  private void logIn(String user) throws IOException {
    Packet greeting = read();
    if (greeting.isError()) {
      throw refused(greeting);
    }
    ByteArrayOutputStream response = new ByteArrayOutputStream();
    writeInt(response, CAPABILITIES, 4);
    writeInt(response, 1 << 24, 4);
    response.write(UTF8MB4);
    response.writeBytes(new byte[23]);
    response.writeBytes(user.getBytes(StandardCharsets.UTF_8));
    response.write(0);
    response.write(0); // no password: an empty answer to the challenge, whatever the method
    response.writeBytes("mysql_native_password\0".getBytes(StandardCharsets.US_ASCII));
    write(response.toByteArray());
    while (true) {
      Packet answer = read();
      if (answer.isOk()) {
        return;
      }
      switch (answer.kind()) {
        case 0xfe -> write(new byte[0]); // another method; the answer is empty there too
        case 0x01 -> {
          // caching_sha2_password: "fast authentication worked", OK follows.
        }
        default -> throw refused(answer);
      }
    }
  }

  private static IOException refused(Packet packet) throws IOException {
    int code = packet.skip(1).unsigned16();
    String text = packet.rest();
    // "#" and five characters of SQL state come before the message.
    String message = text.startsWith("#") && text.length() > 6 ? text.substring(6) : text;
    return new IOException("Error %d: %s".formatted(code, message));
  }

  private static byte[] command(int command, String text) {
    ByteArrayOutputStream packet = new ByteArrayOutputStream();
    packet.write(command);
    packet.writeBytes(text.getBytes(StandardCharsets.UTF_8));
    return packet.toByteArray();
  }

  private void write(byte[] payload) throws IOException {
    if (payload.length >= 0xffffff) {
      throw new IOException("the statement is longer than 16 MiB");
    }
    ByteArrayOutputStream packet = new ByteArrayOutputStream(payload.length + 4);
    writeInt(packet, payload.length, 3);
    packet.write(sequence++);
    packet.writeBytes(payload);
    out.write(packet.toByteArray());
    out.flush();
  }

  private Packet read() throws IOException {
    byte[] head = in.readNBytes(4);
    if (head.length < 4) {
      throw new IOException("the database server closed the connection");
    }
    int length = (head[0] & 0xff) | (head[1] & 0xff) << 8 | (head[2] & 0xff) << 16;
    sequence = (head[3] & 0xff) + 1;
    if (length > MAX_RESULT_BYTES) {
      throw new IOException("a row is larger than %d bytes".formatted(MAX_RESULT_BYTES));
    }
    byte[] payload = in.readNBytes(length);
    if (payload.length < length) {
      throw new IOException("the database server closed the connection");
    }
    return new Packet(payload);
  }

  private static void writeInt(ByteArrayOutputStream out, int value, int bytes) {
    for (int i = 0; i < bytes; i++) {
      out.write(value >>> (8 * i));
    }
  }
}
