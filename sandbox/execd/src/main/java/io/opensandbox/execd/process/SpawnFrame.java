package io.opensandbox.execd.process;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/// The SPAWN frame of `sandbox/launcher/PROTOCOL.md`.
final class SpawnFrame {
  private static final int ARGV = 1;
  private static final int ENV = 2;
  private static final int CWD = 3;
  private static final int UID = 4;
  private static final int GID = 5;
  private static final int GROUP = 6;
  private static final int FLAGS = 7;
  private static final int SIZE = 8;
  private static final int OOM = 10;
  private static final int STATE = 11;
  private static final int INPUT = 12;

  private static final int FLAG_TERMINAL = 1;
  private static final int FLAG_STDIN = 2;
  private static final int FLAG_MERGED = 4;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream(4096);

  private SpawnFrame() {}

  /// The payload for `spec`.
  ///
  /// @throws SpawnException when a text has a NUL, which no argument or variable can carry
  static byte[] encode(ProcessSpec spec, int oomScoreAdjust) throws SpawnException {
    var frame = new SpawnFrame();
    for (String argument : spec.argv()) {
      frame.text(ARGV, "argument", argument);
    }
    for (Map.Entry<String, String> variable : spec.environment().entrySet()) {
      frame.text(ENV, "variable", variable.getKey() + "=" + variable.getValue());
    }
    if (spec.cwd() != null) {
      frame.text(CWD, "working directory", spec.cwd());
    }
    if (spec.credentials() != null) {
      frame.identity(spec.credentials());
    }
    frame.stdio(spec.stdio());
    frame.number(OOM, oomScoreAdjust);
    frame.descriptors(spec.descriptors());
    return frame.out.toByteArray();
  }

  private void identity(Credentials credentials) {
    number(UID, credentials.uid());
    number(GID, credentials.gid());
    for (long group : credentials.groups()) {
      number(GROUP, group);
    }
  }

  private void stdio(ProcessSpec.Stdio stdio) {
    if (stdio instanceof ProcessSpec.Terminal(int rows, int columns)) {
      number(FLAGS, FLAG_TERMINAL);
      number(SIZE, ((long) rows << 16) | (columns & 0xFFFF));
    } else if (stdio instanceof ProcessSpec.Pipes(boolean input, boolean merged)) {
      number(FLAGS, (input ? FLAG_STDIN : 0) | (merged ? FLAG_MERGED : 0));
    }
  }

  private void descriptors(ProcessSpec.Descriptors descriptors) {
    if (descriptors.state() > 0) {
      number(STATE, descriptors.state());
    }
    for (ProcessSpec.Input input : descriptors.inputs()) {
      header(INPUT, Integer.BYTES + input.bytes().length);
      int32(input.descriptor());
      out.write(input.bytes(), 0, input.bytes().length);
    }
  }

  private void text(int tag, String what, String value) throws SpawnException {
    if (value.indexOf('\0') >= 0) {
      throw new SpawnException(what + " contains a NUL character");
    }
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    header(tag, bytes.length);
    out.write(bytes, 0, bytes.length);
  }

  private void number(int tag, long value) {
    header(tag, Integer.BYTES);
    int32((int) value);
  }

  private void header(int tag, int length) {
    out.write(tag);
    int32(length);
  }

  private void int32(int value) {
    out.write(ByteBuffer.allocate(Integer.BYTES).putInt(value).array(), 0, Integer.BYTES);
  }
}
