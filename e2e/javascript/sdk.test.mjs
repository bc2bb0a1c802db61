// What a user of the official JavaScript SDK does, on each image, against a running server.
//
// The server is the one that OPEN_SANDBOX_DOMAIN and OPEN_SANDBOX_API_KEY name. Run by ./test once per SDK version:
//     E2E_SDK=@alibaba-group/opensandbox node --test .work/sdk/javascript/sdk.test.mjs
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

const sdk = await import(process.env.E2E_SDK ?? "@alibaba-group/opensandbox");
const { ConnectionConfig, Sandbox, SandboxApiException, SandboxManager } = sdk;

// It has no isolated sessions, no directory listing and no line windows.
const OLD_SDK = process.env.E2E_SDK === "opensandbox-0-1-7";
const RUN = randomUUID();
const WAIT_FOREVER = ["tail", "-f", "/dev/null"];
const IMAGES = {
  python: { name: "opensandbox/demo:local", entrypoint: WAIT_FOREVER, shell: true },
  busybox: { name: "opensandbox/busybox:local", entrypoint: WAIT_FOREVER, shell: true },
  user: { name: "opensandbox/user:local", entrypoint: WAIT_FOREVER, shell: true }, // who is not root
  noshell: { name: "opensandbox/noshell:local", entrypoint: ["/pause"], shell: false },
};

const texts = (messages) => messages.map((message) => message.text);

async function withSandbox(image, options, use) {
  const sandbox = await Sandbox.create({
    connectionConfig: new ConnectionConfig(options.connection ?? {}),
    image: image.name,
    entrypoint: image.entrypoint,
    timeoutSeconds: 600,
    readyTimeoutSeconds: 120,
    metadata: { "e2e-javascript": RUN },
    ...options.create,
  });
  try {
    await use(sandbox);
  } finally {
    await sandbox.kill();
    await sandbox.close();
  }
}

for (const [kind, image] of Object.entries(IMAGES)) {
  test(`${kind}: lifecycle`, async () => {
    const mark = randomUUID();
    await withSandbox(image, { create: { metadata: { "e2e-javascript": mark } } }, async (sandbox) => {
      const info = await sandbox.getInfo();
      assert.equal(info.id, sandbox.id);
      assert.equal(info.status.state, "Running");
      assert.deepEqual(info.entrypoint, image.entrypoint);
      assert.ok(info.createdAt instanceof Date);
      assert.equal(await sandbox.isHealthy(), true);
      const manager = SandboxManager.create({ connectionConfig: new ConnectionConfig() });
      const found = await manager.listSandboxInfos({ states: ["Running"], metadata: { "e2e-javascript": mark } });
      assert.deepEqual(found.items.map((item) => item.id), [sandbox.id]);
      await manager.close();
      await sandbox.renew(1200);
      const left = (await sandbox.getInfo()).expiresAt.getTime() - Date.now();
      assert.ok(Math.abs(left - 1_200_000) < 30_000, `expires in ${left} ms`);
      assert.match((await sandbox.getEndpoint(44772)).endpoint, /^127\.0\.0\.1:\d+\/proxy\/44772$/);
    });
  });

  test(`${kind}: files`, async () => {
    await withSandbox(image, {}, async ({ files }) => {
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      await files.createDirectories([{ path: "/tmp/sdk", mode: 755 }]);
      await files.writeFiles([
        { path: "/tmp/sdk/a.txt", data: "alpha", mode: 644 },
        { path: "/tmp/sdk/b.bin", data: bytes, mode: 600 },
        { path: "/tmp/sdk/c.bin", data: (async function* () { yield bytes; yield bytes; })(), mode: 644 },
      ]);
      assert.equal(await files.readFile("/tmp/sdk/a.txt"), "alpha");
      assert.deepEqual(Array.from(await files.readBytes("/tmp/sdk/b.bin")), Array.from(bytes));
      assert.equal((await files.readBytes("/tmp/sdk/c.bin")).length, 512);
      assert.equal((await files.getFileInfo(["/tmp/sdk/b.bin"]))["/tmp/sdk/b.bin"].mode, 600);
      await files.replaceContents([{ path: "/tmp/sdk/a.txt", oldContent: "alpha", newContent: "omega" }]);
      await files.moveFiles([{ src: "/tmp/sdk/a.txt", dest: "/tmp/sdk/sub/d.txt" }]);
      assert.equal(await files.readFile("/tmp/sdk/sub/d.txt"), "omega");
      const found = await files.search({ path: "/tmp/sdk", pattern: "*.txt" });
      assert.deepEqual(found.map((entry) => entry.path), ["/tmp/sdk/sub/d.txt"]);
      await files.deleteFiles(["/tmp/sdk/b.bin"]);
      await files.deleteDirectories(["/tmp/sdk"]);
      await assert.rejects(() => files.readFile("/tmp/sdk/a.txt"), SandboxApiException);
    });
  });

  test(`${kind}: modes, streams and ranges of files`, async () => {
    await withSandbox(image, {}, async ({ files }) => {
      await files.writeFiles([{ path: "/tmp/more/a.txt", data: "one\ntwo\nthree\n", mode: 644 }]);
      await files.setPermissions([{ path: "/tmp/more/a.txt", mode: 600 }]);
      assert.equal((await files.getFileInfo(["/tmp/more/a.txt"]))["/tmp/more/a.txt"].mode, 600);
      let streamed = "";
      for await (const chunk of files.readBytesStream("/tmp/more/a.txt")) streamed += Buffer.from(chunk).toString();
      assert.equal(streamed, "one\ntwo\nthree\n");
      assert.equal(await files.readFile("/tmp/more/a.txt", { range: "bytes=0-2" }), "one");
      if (OLD_SDK) return;
      const listed = await files.listDirectory({ path: "/tmp/more" });
      assert.deepEqual(listed.map((entry) => entry.path), ["/tmp/more/a.txt"]);
      assert.equal(await files.readFile("/tmp/more/a.txt", { offset: 2, limit: 1 }), "two");
      const replaced = await files.replaceContentsDetailed([{ path: "/tmp/more/a.txt", oldContent: "t", newContent: "T" }]);
      assert.deepEqual(replaced.map((result) => result.replacedCount), [2]);
    });
  });

  test(`${kind}: metrics and the server proxy`, async () => {
    await withSandbox(image, { connection: { useServerProxy: true } }, async (sandbox) => {
      assert.match((await sandbox.getEndpoint(18080)).endpoint, new RegExp(`/sandboxes/${sandbox.id}/proxy/18080$`));
      assert.ok((await sandbox.getMetrics()).cpuCount > 0);
      await sandbox.files.writeFiles([{ path: "/tmp/p.txt", data: "proxied" }]);
      assert.equal(await sandbox.files.readFile("/tmp/p.txt"), "proxied");
    });
  });

  if (!image.shell) continue;

  test(`${kind}: commands`, async () => {
    await withSandbox(image, {}, async ({ commands }) => {
      const ok = await commands.run("echo one; echo two; echo err >&2");
      assert.deepEqual(texts(ok.logs.stdout), ["one", "two"]);
      assert.deepEqual(texts(ok.logs.stderr), ["err"]);
      assert.equal(ok.exitCode, 0);
      assert.ok(ok.complete);
      const failed = await commands.run("exit 9");
      assert.equal(failed.exitCode, 9);
      assert.equal(failed.error.name, "CommandExecError");
      assert.equal(failed.complete, undefined);
      const where = await commands.run("pwd; echo $E2E", { workingDirectory: "/tmp", envs: { E2E: "set" } });
      assert.deepEqual(texts(where.logs.stdout), ["/tmp", "set"]);
    });
  });

  test(`${kind}: streaming`, async () => {
    await withSandbox(image, {}, async ({ commands }) => {
      const seen = [];
      await commands.run("echo first; printf 'a\\n\\nb'", undefined, {
        onInit: () => void seen.push("init"),
        onStdout: (message) => void seen.push(message.text),
        onExecutionComplete: () => void seen.push("complete"),
      });
      assert.deepEqual(seen, ["init", "first", "a", "\n", "b", "complete"]);
      const types = [];
      for await (const event of commands.runStream("exit 3")) {
        if (event.type !== "ping") types.push(event.type);
      }
      assert.deepEqual(types, ["init", "error"]);
    });
  });

  test(`${kind}: background, status, logs, interrupt`, async () => {
    await withSandbox(image, {}, async ({ commands }) => {
      const started = await commands.run("echo begun; exec sleep 600", { background: true });
      assert.equal((await commands.getCommandStatus(started.id)).running, true);
      let content = "";
      let cursor = 0;
      for (const deadline = Date.now() + 60_000; !content.includes("begun\n") && Date.now() < deadline; ) {
        const logs = await commands.getBackgroundCommandLogs(started.id, cursor);
        content += logs.content;
        cursor = logs.cursor;
      }
      assert.equal(content, "begun\n");
      await commands.interrupt(started.id);
      let status = await commands.getCommandStatus(started.id);
      for (const deadline = Date.now() + 60_000; status.running && Date.now() < deadline; ) {
        status = await commands.getCommandStatus(started.id);
      }
      assert.equal(status.running, false);
    });
  });

  const isolated = OLD_SDK ? test.skip : test;
  isolated(`${kind}: isolated sessions`, async () => {
    await withSandbox(image, {}, async ({ isolation, files }) => {
      const workspace = { path: "/tmp/isolated", mode: "overlay" };
      const capabilities = await isolation.capabilities();
      assert.deepEqual(await isolation.list(), []);
      if (!capabilities.available) {
        // Docker's default profile forbids namespaces.
        assert.match(capabilities.message, /bubblewrap/);
        await assert.rejects(() => isolation.create({ workspace }), /503.*SERVICE_UNAVAILABLE/);
        return;
      }
      await files.writeFiles([{ path: "/tmp/isolated/note.txt", data: "before" }]);
      await isolation.withSession({ workspace }, async (session) => {
        const ran = await session.run("echo $GREETING > note.txt; cat note.txt", { envs: { GREETING: "after" } });
        assert.deepEqual([texts(ran.logs.stdout), ran.exitCode], [["after"], 0]);
        assert.equal(await session.files.readFile("/tmp/isolated/note.txt"), "after\n");
        assert.equal(await files.readFile("/tmp/isolated/note.txt"), "before");
        assert.equal((await isolation.attach(session.info.session_id)).info.workspace.mode, "overlay");
        assert.equal((await session.get()).status, "active");
      });
      assert.deepEqual(await isolation.list(), []);
      const once = await isolation.runOnce("cat note.txt", "/tmp/isolated", { workspaceMode: "ro" });
      assert.deepEqual(texts(once.logs.stdout), ["before"]);
    });
  });

  test(`${kind}: users and time limits of commands`, async () => {
    await withSandbox(image, {}, async ({ commands }) => {
      const [uid, gid] = kind === "user" ? [1000, 1000] : [4321, 4322];
      const identity = await commands.run("id -u; id -g", { uid, gid });
      assert.deepEqual(texts(identity.logs.stdout), [`${uid}`, `${gid}`]);
      const late = await commands.run("sleep 600", { timeoutSeconds: 1 });
      assert.deepEqual([late.error.name, late.error.value], ["CommandExecError", "-1"]);
      const session = await commands.createSession();
      const limited = await commands.runInSession(session, "sleep 600", { timeoutSeconds: 1 });
      assert.deepEqual([limited.error.name, limited.error.value], ["CommandExecError", "-1"]);
      const here = await commands.runInSession(session, "pwd", { workingDirectory: "/tmp" });
      assert.deepEqual(texts(here.logs.stdout), ["/tmp"]);
      await commands.deleteSession(session);
    });
  });

  test(`${kind}: sessions`, async () => {
    await withSandbox(image, {}, async ({ commands }) => {
      const session = await commands.createSession({ workingDirectory: "/tmp" });
      assert.deepEqual(texts((await commands.runInSession(session, "pwd")).logs.stdout), ["/tmp"]);
      await commands.runInSession(session, "export KEPT='a b'; cd /etc");
      const after = await commands.runInSession(session, 'echo "$KEPT"; pwd');
      assert.deepEqual(texts(after.logs.stdout), ["a b", "/etc"]);
      await commands.deleteSession(session);
      await assert.rejects(() => commands.runInSession(session, "pwd"), SandboxApiException);
    });
  });
}

test("a killed sandbox is gone", async () => {
  let killed;
  await withSandbox(IMAGES.busybox, {}, async (sandbox) => {
    killed = sandbox.id;
  });
  const manager = SandboxManager.create({ connectionConfig: new ConnectionConfig() });
  await assert.rejects(
    () => manager.getSandboxInfo(killed),
    (problem) => problem instanceof SandboxApiException && problem.statusCode === 404,
  );
  await manager.close();
});

test("connect to an existing sandbox", async () => {
  await withSandbox(IMAGES.python, {}, async (sandbox) => {
    const again = await Sandbox.connect({ sandboxId: sandbox.id, connectionConfig: new ConnectionConfig() });
    await again.files.writeFiles([{ path: "/tmp/shared.txt", data: "shared" }]);
    assert.equal(await sandbox.files.readFile("/tmp/shared.txt"), "shared");
    await again.close();
  });
});

test("pause and resume", async () => {
  await withSandbox(IMAGES.python, {}, async (sandbox) => {
    await sandbox.pause();
    assert.equal((await sandbox.getInfo()).status.state, "Paused");
    const again = await sandbox.resume();
    assert.deepEqual(texts((await again.commands.run("echo back")).logs.stdout), ["back"]);
  });
});

test("no expiry", async () => {
  await withSandbox(IMAGES.busybox, { create: { timeoutSeconds: null } }, async (sandbox) => {
    assert.equal((await sandbox.getInfo()).expiresAt ?? null, null);
  });
});
