package io.opensandbox.server;

import io.opensandbox.runtime.RuntimeEvent;
import io.opensandbox.runtime.SandboxRuntime;
import io.opensandbox.server.store.Database;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Set;

/// Lets a server in this process die as SIGKILL would: from a chosen step on, none of its threads
/// reaches the store or the runtime any more. Steps are the changes of either; each can be cut off
/// before it happens or right after.
final class Fate {
  private static final Set<String> CHANGES =
      Set.of(
          "prepareImage",
          "create",
          "start",
          "pause",
          "resume",
          "remove",
          "snapshot",
          "removeSnapshot");

  // Both guarded by this; -1 as long as no death is due.
  private int stepsLeft = -1;
  private boolean dead;

  /// What a dead server's threads run into.
  static final class Death extends Error {
    private static final long serialVersionUID = 1L;

    Death() {
      super("the server is dead", null, false, false);
    }
  }

  /// Lets the server die after that many further half-steps: even numbers before a change, odd ones
  /// after it.
  synchronized void dieAfter(int halfSteps) {
    stepsLeft = halfSteps;
  }

  /// Calls the death off, if it did not come yet.
  synchronized void spare() {
    stepsLeft = -1;
  }

  /// Lets the server die now.
  synchronized void kill() {
    dead = true;
  }

  synchronized boolean isDead() {
    return dead;
  }

  private synchronized void halfStep() {
    if (stepsLeft == 0) {
      dead = true;
    }
    if (stepsLeft > 0) {
      stepsLeft--;
    }
    live();
  }

  private synchronized void live() {
    if (dead) {
      throw new Death();
    }
  }

  /// A database that the server loses when it dies.
  Database database(Database real) {
    return new Database() {
      @Override
      public <T> T write(Work<T> work) {
        halfStep();
        T result = real.write(connection -> living(work, connection));
        halfStep();
        return result;
      }

      private <T> T living(Work<T> work, Connection connection) throws SQLException {
        live();
        return work.apply(connection);
      }

      @Override
      public <T> T read(Work<T> work) {
        live();
        return real.read(work);
      }

      @Override
      public String location() {
        return real.location();
      }

      @Override
      public boolean isShared() {
        return real.isShared();
      }

      @Override
      public String clock() {
        return real.clock();
      }

      @Override
      public void lock(Connection connection, Exclusive what) throws SQLException {
        real.lock(connection, what);
      }

      @Override
      public void close() {
        real.close();
      }
    };
  }

  /// A runtime that the server loses when it dies.
  SandboxRuntime runtime(SandboxRuntime real) {
    return (SandboxRuntime)
        Proxy.newProxyInstance(
            Fate.class.getClassLoader(),
            new Class<?>[] {SandboxRuntime.class},
            (_, method, arguments) -> call(real, method, arguments));
  }

  private Object call(SandboxRuntime real, Method method, Object[] arguments) throws Throwable {
    boolean change = CHANGES.contains(method.getName());
    if (change) {
      halfStep();
    } else {
      live();
    }
    try {
      Object result = method.invoke(real, mortal(arguments));
      if (change) {
        halfStep();
      }
      return result;
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private Object[] mortal(Object[] arguments) {
    if (arguments != null
        && arguments.length == 1
        && arguments[0] instanceof SandboxRuntime.EventListener listener) {
      return new Object[] {(SandboxRuntime.EventListener) event -> tell(listener, event)};
    }
    return arguments;
  }

  private void tell(SandboxRuntime.EventListener listener, RuntimeEvent event) {
    if (!isDead()) {
      listener.event(event);
    }
  }
}
