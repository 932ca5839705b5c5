/** fixtures/examples/cluster-server: four workers on one root, one of which is killed. */
import assert from "node:assert/strict";
import { type IncomingMessage, request } from "node:http";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { compiledTests, deadlineMs, Site } from "./site.js";

const script = join(dirname(compiledTests), "fixtures/examples/cluster-server.js");

interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the route gives
  body: any;
}

/** A request that was lost with its worker is asked again after this time. */
const lostMs = 3_000;

/** One request over a connection of its own: the cluster hands connections to its workers in turn. */
function ask(
  port: number,
  method: string,
  path: string,
  body?: string,
  timeout = deadlineMs,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { port, method, path, agent: false, timeout } as const;
    const asked = request({ host: "127.0.0.1", ...options }, async (response: IncomingMessage) => {
      try {
        let text = "";
        for await (const part of response.setEncoding("utf8")) text += part;
        resolve({ status: response.statusCode!, body: JSON.parse(text) });
      } catch (error) {
        reject(error);
      }
    });
    asked.once("error", reject);
    asked.once("timeout", () => asked.destroy(new Error(`no answer to ${method} ${path}`)));
    asked.end(body);
  });
}

function startServer(site: Site) {
  const env = { ROOT: site.rootPath, PORT: "0", WORKERS: "4" };
  return site.start("server", script, { env });
}

async function portOf(server: ReturnType<typeof startServer>): Promise<number> {
  const address = /http:\/\/127\.0\.0\.1:(\d+) with 4 workers\n/;
  return Number(await server.until("its address", () => address.exec(server.stdout)?.[1]));
}

test("the routes of the cluster server", async (t) => {
  const server = startServer(new Site(t));
  const port = await portOf(server);
  const posted = await ask(port, "POST", "/notes", '{"text":"first"}');
  assert.equal(posted.status, 201);
  assert.equal(posted.body.text, "first");
  const { _id } = posted.body;
  // Every worker sees it.
  const pids = new Set<number>();
  for (let n = 0; n < 8; n += 1) {
    assert.deepEqual(await ask(port, "GET", `/notes/${_id}`), { status: 200, body: posted.body });
    pids.add((await ask(port, "GET", "/status")).body.pid);
  }
  assert.ok(pids.size >= 2, `answered by ${pids.size} workers`);
  await ask(port, "POST", "/notes", '{"text":"second"}');
  const listed = await ask(port, "GET", "/notes?limit=1");
  assert.deepEqual(
    listed.body.map(({ text }: { text: string }) => text),
    ["second"],
  );
  const refused: [method: string, path: string, body: string | undefined, status: number][] = [
    ["POST", "/notes", "no json", 400],
    ["POST", "/notes", "{}", 400],
    ["POST", "/notes", JSON.stringify({ text: "x".repeat(100_000) }), 413],
    ["GET", "/notes?limit=0", undefined, 400],
    ["GET", "/notes/none", undefined, 404],
    ["PUT", "/notes", "{}", 404],
    ["GET", "/notes/a/b", undefined, 404],
  ];
  for (const [method, path, body, status] of refused) {
    const answer = await ask(port, method, path, body);
    assert.equal(answer.status, status, `${method} ${path}`);
    assert.equal(typeof answer.body.error, "string");
  }
  assert.equal((await ask(port, "DELETE", `/notes/${_id}`)).status, 200);
  assert.equal((await ask(port, "DELETE", `/notes/${_id}`)).status, 404);

  server.kill("SIGTERM");
  assert.deepEqual(await server.exit(), { code: 0, signal: null });
  assert.equal(server.stderr, "");
});

const killing = { timeout: 3 * deadlineMs };
test("a worker that is killed is replaced, and the work goes on", killing, async (t) => {
  const server = startServer(new Site(t));
  const port = await portOf(server);
  // Whichever worker is the primary of the root.
  const primary = async () => {
    for (;;) {
      const answer = await ask(port, "GET", "/status", undefined, lostMs).catch(() => null);
      if (answer?.body.role === "primary") return answer.body.pid as number;
    }
  };
  const stored: string[] = [];
  let isOver = false;
  const lane = async (name: string) => {
    for (let n = 0; !isOver; n += 1) {
      const text = `${name}-${n}`;
      // A connection that the dead worker had is gone, or is never answered: who asks must ask again.
      const note = JSON.stringify({ text });
      const answer = await ask(port, "POST", "/notes", note, lostMs).catch(() => null);
      if (answer?.status === 201) stored.push(answer.body._id);
    }
  };
  const lanes = ["a", "b", "c"].map(lane);
  const killed: number[] = [];
  for (let kill = 0; kill < 2; kill += 1) {
    const pid = await primary();
    const before = stored.length;
    killed.push(pid);
    process.kill(pid, "SIGKILL");
    await server.until(`the successor of worker ${pid}`, () => {
      const since = server.stdout.split(`worker ${pid} has ended (SIGKILL)`)[1];
      return since && /worker \d+ is ready\n/.test(since) ? true : undefined;
    });
    while (stored.length <= before) await new Promise((resolve) => setImmediate(resolve));
  }
  isOver = true;
  await Promise.all(lanes);
  assert.ok(!killed.includes(await primary()));
  for (const id of stored) assert.equal((await ask(port, "GET", `/notes/${id}`)).status, 200);

  server.kill("SIGINT");
  assert.deepEqual(await server.exit(), { code: 0, signal: null });
  assert.equal(server.stderr, "");
});
