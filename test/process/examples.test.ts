/** The documented examples, run as they stand. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { openAgent } from "./agent.js";
import { compiledTests, Site } from "./site.js";

const example = (name: string) => join(dirname(compiledTests), "fixtures/examples", name);
const inOrder = { code: 0, signal: null };

test("log-mode prints the roles of a lone process and ends by itself", async (t) => {
  const site = new Site(t);
  const alone = site.start("log-mode", example("log-mode.js"));
  assert.deepEqual(await alone.exit(), inOrder);
  assert.equal(alone.stdout, "{ primary: true, client: false, readonly: false }\n");
  assert.equal(alone.stderr, "");
});

test("log-mode beside a primary prints that it is a client", async (t) => {
  const site = new Site(t);
  const primary = site.start("primary", example("primary.js"));
  await primary.until("primary ready", () => /primary ready\n/.exec(primary.stdout) ?? undefined);
  const second = site.start("log-mode", example("log-mode.js"));
  assert.deepEqual(await second.exit(), inOrder);
  assert.equal(second.stdout, "{ primary: false, client: true, readonly: false }\n");
});

test("the client writes through the primary and ends; the primary runs until it is stopped", async (t) => {
  const site = new Site(t);
  const primary = site.start("primary", example("primary.js"));
  await primary.until("primary ready", () => /primary ready\n/.exec(primary.stdout) ?? undefined);

  const client = site.start("client", example("client.js"));
  assert.deepEqual(await client.exit(), inOrder);
  assert.equal(client.stdout, "client wrote\n");
  assert.equal(client.stderr, "");
  assert.equal(primary.ended, undefined, "the primary keeps running");

  primary.kill("SIGTERM");
  assert.deepEqual(await primary.exit(), { code: null, signal: "SIGTERM" });
  assert.equal(primary.stdout, "primary ready\n");
  assert.equal(primary.stderr, "");

  const later = await openAgent(site, "later", { rootPath: join(site.folder, ".liorandb") });
  const found = await later.chain(
    ["db", "app"],
    ["collection", "events"],
    ["find", {}, { projection: { _id: 0 } }],
    ["toArray"],
  );
  assert.deepEqual(found, [{ name: "primary-ready" }, { name: "client-write" }]);
});

test("queries prints what an index and a pipeline find", async (t) => {
  const site = new Site(t);
  const alone = site.start("queries", example("queries.js"));
  assert.deepEqual(await alone.exit(), inOrder);
  assert.equal(
    alone.stdout,
    "Alan 41\nAda 36\n[ { _id: 'Göttingen', people: 1 }, { _id: 'London', people: 2 } ]\n",
  );
  assert.equal(alone.stderr, "");
});

test("job runs its module in children, and ends", async (t) => {
  const site = new Site(t);
  const alone = site.start("job", example("job.js"));
  assert.deepEqual(await alone.exit(), inOrder, alone.stderr);
  assert.equal(alone.stdout, "5000 players, the best score is 17\n5000 scores\n");
  assert.equal(alone.stderr, "");
});

test("a client that is started first waits for its primary", async (t) => {
  const site = new Site(t);
  const client = site.start("client", example("client.js"));
  const primary = site.start("primary", example("primary.js"));
  assert.deepEqual(await client.exit(), inOrder);
  assert.equal(client.stdout, "client wrote\n");
  await primary.murder();
});
