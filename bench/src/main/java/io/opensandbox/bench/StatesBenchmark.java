package io.opensandbox.bench;

import io.opensandbox.e2e.wire.Json;
import io.opensandbox.e2e.wire.Server;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// What is done to a sandbox that has written 100 MiB: pause, resume, snapshot, fork, delete.
final class StatesBenchmark implements Benchmark {
  private static final int MANY = 20;

  @Override
  public String name() {
    return "states";
  }

  @Override
  public List<Result> run(Target target) {
    var results = new ArrayList<Result>();
    try (var box = target.open()) {
      int mebibytes = target.quick() ? 4 : 100;
      var written =
          box.execd().run("head -c " + mebibytes + "M /dev/urandom >/root/big && sync /root/big");
      if (written.exitCode() != 0) {
        throw new IllegalStateException("cannot write: " + written.events());
      }
      pauseAndResume(target, box.id(), results);
      snapshot(target, box.id(), results);
      if (canFork(target.server())) {
        fork(target, box.id(), 1, target.times(30), results);
        fork(target, box.id(), target.quick() ? 2 : MANY, target.times(8), results);
      }
    }
    delete(target, results);
    return results;
  }

  private static void pauseAndResume(Target target, String id, List<Result> results) {
    var pauses = new Samples();
    var resumes = new Samples();
    for (int i = 0; i < target.times(50); i++) {
      pauses.measure(() -> post(target.server(), id, "pause", 202));
      resumes.measure(() -> post(target.server(), id, "resume", 202));
    }
    results.add(Result.of("pause", pauses));
    results.add(Result.of("resume", resumes));
  }

  private static void post(Server server, String id, String verb, int status) {
    server.http().send("POST", "/sandboxes/" + id + "/" + verb).expect(status);
  }

  private static void snapshot(Target target, String id, List<Result> results) {
    var samples = new Samples();
    var http = target.server().http();
    var ids = new ArrayList<String>();
    for (int i = 0; i < target.times(20); i++) {
      samples.measure(() -> {
        var snapshot =
            http.sendJson("POST", "/sandboxes/" + id + "/snapshots", Map.of()).expect(202).json();
        ids.add(snapshot.text("id"));
        target.server().awaitSnapshot(snapshot.text("id"), Commands.PATIENCE);
      });
    }
    ids.forEach(made -> http.send("DELETE", "/snapshots/" + made).expect(204));
    results.add(Result.of("snapshot", samples));
  }

  private static boolean canFork(Server server) {
    var capabilities = server.http().send("GET", "/capabilities");
    return capabilities.status() == 200 && capabilities.text().contains("\"fork\"");
  }

  private static void fork(Target target, String id, int count, int times, List<Result> results) {
    var samples = new Samples();
    for (int i = 0; i < times; i++) {
      var copies = new ArrayList<Json>();
      samples.measure(() ->
          copies.addAll(
              target
                  .server()
                  .http()
                  .sendJson(
                      "POST", "/sandboxes/" + id + "/fork", Map.of("count", count, "timeout", 600))
                  .expect(202)
                  .json()
                  .at("items")
                  .items()));
      var failed = copies.stream().filter(copy -> copy.has("error")).count();
      if (failed > 0) {
        samples.fail();
      }
      copies.forEach(copy -> target.server().delete(copy.text("id")));
    }
    results.add(Result.of("fork-" + (count == 1 ? 1 : MANY), samples));
  }

  private static void delete(Target target, List<Result> results) {
    var samples = new Samples();
    for (int i = 0; i < target.times(30); i++) {
      var box = target.open();
      samples.measure(box::close);
    }
    results.add(Result.of("delete", samples));
  }
}
