// Code contexts from JavaScript, against a running server. The npm registry has no code-interpreter SDK, so the sandbox is
// made with the official sandbox SDK and the code routes are called as that SDK would.
//
// The server is the one that OPEN_SANDBOX_DOMAIN and OPEN_SANDBOX_API_KEY name. Run by ./test:
//     node --test .work/sdk/javascript/code.test.mjs
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ConnectionConfig, Sandbox } from "@alibaba-group/opensandbox";

let sandbox;
let execd;

async function call(method, path, body) {
  const response = await fetch(execd + path, {
    method,
    headers: { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return text;
}

const json = async (method, path, body) => JSON.parse(await call(method, path, body));

// A run's events: one bare JSON object and an empty line each.
async function run(code, context) {
  const text = await call("POST", "/code", { code, context });
  return text.split("\n\n").filter(Boolean).map((event) => JSON.parse(event));
}

const output = (events) => events.filter((event) => event.type === "stdout").map((event) => event.text).join("");
const only = (events, type) => events.find((event) => event.type === type);

before(async () => {
  sandbox = await Sandbox.create({
    connectionConfig: new ConnectionConfig(),
    image: "opensandbox/code-interpreter:local",
    entrypoint: ["/opt/code-interpreter/code-interpreter.sh"],
    env: { JUPYTER_HOST: "" },
    resource: { cpu: "2", memory: "2Gi" },
    timeoutSeconds: 600,
  });
  const endpoint = await sandbox.getEndpoint(44772);
  execd = `http://${endpoint.endpoint}`;
});

after(async () => {
  await sandbox?.kill();
  await sandbox?.close();
});

test("a context keeps its state", async () => {
  const context = await json("POST", "/code/context", { language: "python" });
  await run("x = 41", context);
  const events = await run("x + 1", context);

  assert.equal(events[0].type, "init");
  assert.equal(events[0].text, context.id);
  assert.equal(only(events, "result").results.text, "42");
  assert.equal(only(events, "result").results["text/plain"], "42");
  assert.equal(events.at(-1).type, "execution_complete");
});

test("a language without a context has a default one", async () => {
  await run("const name = 'Ada'", { language: "javascript" });

  assert.equal(output(await run("console.log('Hello ' + name)", { language: "javascript" })), "Hello Ada\n");
});

test("typescript runs", async () => {
  assert.equal(output(await run("const n: number = 42; console.log(n)", { language: "typescript" })), "42\n");
});

test("an error is an event", async () => {
  const events = await run("undefined_name", { language: "python" });

  assert.equal(only(events, "error").error.ename, "NameError");
  assert.ok(only(events, "error").error.traceback.length > 0);
});

test("contexts are listed and deleted", async () => {
  const context = await json("POST", "/code/context", { language: "bash" });
  assert.deepEqual(await json("GET", `/code/contexts/${context.id}`), { id: context.id, language: "bash" });
  assert.deepEqual(await json("GET", "/code/contexts?language=bash"), [{ id: context.id, language: "bash" }]);
  await call("DELETE", `/code/contexts/${context.id}`);
  assert.deepEqual(await json("GET", "/code/contexts?language=bash"), []);
});

test("an interrupt ends a run and the context goes on", async () => {
  const context = await json("POST", "/code/context", { language: "python" });
  const response = await fetch(`${execd}/code`, {
    method: "POST",
    body: JSON.stringify({ code: "import time\nprint('up', flush=True)\ntime.sleep(600)", context }),
  });
  let text = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let interrupted;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += part.value;
    if (!interrupted && text.includes('"stdout"')) interrupted = call("DELETE", `/code?id=${context.id}`);
  }
  await interrupted;

  assert.ok(text.includes("KeyboardInterrupt"), text);
  assert.equal(only(await run("1 + 1", context), "result").results.text, "2");
});
