import io.github.spencerpark.jupyter.channels.JupyterConnection;
import io.github.spencerpark.jupyter.kernel.BaseKernel;
import io.github.spencerpark.jupyter.kernel.KernelConnectionProperties;
import io.github.spencerpark.jupyter.kernel.LanguageInfo;
import io.github.spencerpark.jupyter.kernel.display.DisplayData;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.logging.Level;
import java.util.logging.Logger;
import jdk.jshell.EvalException;
import jdk.jshell.JShell;
import jdk.jshell.JShellException;
import jdk.jshell.Snippet;
import jdk.jshell.Snippet.Status;
import jdk.jshell.SnippetEvent;
import jdk.jshell.SourceCodeAnalysis;
import jdk.jshell.UnresolvedReferenceException;

/// A Jupyter kernel for Java on the JDK's own JShell. Code runs in a virtual machine of its own, so that it can be stopped
/// and may exit. Started with the connection file as its argument.
public final class JavaKernel extends BaseKernel {
  private static final List<String> IMPORTS =
      List.of(
          "java.io.*",
          "java.math.*",
          "java.net.*",
          "java.nio.file.*",
          "java.util.*",
          "java.util.concurrent.*",
          "java.util.function.*",
          "java.util.regex.*",
          "java.util.stream.*");

  private final LanguageInfo language =
      new LanguageInfo.Builder("java")
          .version(Runtime.version().toString())
          .mimetype("text/x-java-source")
          .fileExtension(".jshell")
          .build();

  private volatile boolean hasEnded;
  private JShell shell = open();

  private JavaKernel() {}

  /// Serves the connection until it is shut down.
  public static void main(String[] arguments) throws Exception {
    Logger.getLogger("").setLevel(Level.WARNING);
    String properties = Files.readString(Path.of(arguments[0]));
    JupyterConnection connection = new JupyterConnection(KernelConnectionProperties.parse(properties));
    JavaKernel kernel = new JavaKernel();
    kernel.becomeHandlerForConnection(connection);
    connection.connect();
    connection.waitUntilClose();
    kernel.shell.close();
    System.exit(0);
  }

  @Override
  public LanguageInfo getLanguageInfo() {
    return language;
  }

  @Override
  public DisplayData eval(String code) throws Exception {
    String value = null;
    SourceCodeAnalysis analysis = shell.sourceCodeAnalysis();
    String rest = code;
    while (!rest.isBlank()) {
      SourceCodeAnalysis.CompletionInfo next = analysis.analyzeCompletion(rest);
      String snippet = next.completeness().isComplete() ? next.source() : rest;
      rest = next.completeness().isComplete() ? next.remaining() : "";
      value = null;
      for (SnippetEvent event : shell.eval(snippet)) {
        value = valueOf(event, value);
      }
      if (hasEnded) {
        shell = open();
        throw new VirtualMachineEnded("the code ended its virtual machine; variables are lost");
      }
    }
    return value == null ? null : new DisplayData(value);
  }

  @Override
  public void interrupt() {
    shell.stop();
  }

  @Override
  public void onShutdown(boolean isRestarting) {
    shell.close();
  }

  @Override
  public List<String> formatError(Exception error) {
    List<String> lines = new ArrayList<>();
    for (Throwable at = error; at != null; at = at.getCause()) {
      String name = at instanceof EvalException thrown ? thrown.getExceptionClassName() : at.getClass().getSimpleName();
      lines.add((lines.isEmpty() ? "" : "Caused by: ") + name + ": " + at.getMessage());
      if (at instanceof JShellException) {
        Arrays.stream(at.getStackTrace()).map(frame -> "    at " + frame).forEach(lines::add);
      }
    }
    return lines;
  }

  /// The value to show after an event: only expressions have one.
  private String valueOf(SnippetEvent event, String before) throws Exception {
    if (event.causeSnippet() != null) {
      return before;
    }
    Snippet snippet = event.snippet();
    if (event.exception() instanceof UnresolvedReferenceException unresolved) {
      String missing = String.join(", ", shell.unresolvedDependencies(unresolved.getSnippet()).toList());
      throw new CompilationException("cannot find " + missing);
    }
    if (event.exception() != null) {
      throw event.exception();
    }
    if (event.status() == Status.REJECTED) {
      throw new CompilationException(
          String.join(
              "\n", shell.diagnostics(snippet).map(found -> found.getMessage(Locale.ENGLISH)).toList()));
    }
    boolean isExpression =
        snippet.kind() == Snippet.Kind.EXPRESSION
            || snippet.subKind() == Snippet.SubKind.TEMP_VAR_EXPRESSION_SUBKIND;
    return isExpression ? plain(event.value()) : null;
  }

  /// JShell shows a string as a literal; people want to see the string.
  private static String plain(String value) {
    if (value == null || value.isEmpty()) {
      return null;
    }
    boolean isLiteral = value.length() >= 2 && value.startsWith("\"") && value.endsWith("\"");
    return isLiteral ? value.substring(1, value.length() - 1).translateEscapes() : value;
  }

  private JShell open() {
    hasEnded = false;
    JShell opened =
        JShell.builder()
            .in(InputStream.nullInputStream())
            .out(new PrintStream(new Current(false), true))
            .err(new PrintStream(new Current(true), true))
            .remoteVMOptions("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
            .build();
    opened.onShutdown(ended -> hasEnded = true);
    IMPORTS.forEach(name -> opened.eval("import " + name + ";"));
    return opened;
  }

  /// Writes to what System.out or System.err is now: the kernel replaces them for each cell.
  private static final class Current extends OutputStream {
    private final boolean isError;

    Current(boolean isError) {
      this.isError = isError;
    }

    @Override
    public void write(int b) {
      stream().write(b);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      stream().write(bytes, offset, length);
      stream().flush();
    }

    private PrintStream stream() {
      return isError ? System.err : System.out;
    }
  }

  private static final class CompilationException extends Exception {
    private static final long serialVersionUID = 1L;

    CompilationException(String message) {
      super(message);
    }
  }

  private static final class VirtualMachineEnded extends Exception {
    private static final long serialVersionUID = 1L;

    VirtualMachineEnded(String message) {
      super(message);
    }
  }
}
