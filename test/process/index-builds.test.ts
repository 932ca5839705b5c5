/** Indexes of large collections are built while others write, and whoever is primary next goes on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkIndexConsistency } from "../support/index-consistency.js";
import { type Agent, type AgentError, openAgent } from "./agent.js";
import { Site } from "./site.js";

interface Build {
  db: string;
  collection: string;
  index: string;
  done: number;
  documents: number;
}

/** Enough that the entries do not fit into one run of a build. */
const documents = 40_000;
const key = { tags: 1, n: -1, text: 1 };
const name = "tags_1_n_-1_text_1";

/** Fills app.things; each document has a value of its own in `n`, but for those of `twins`. */
async function fill(agent: Agent, twins: readonly number[] = []): Promise<void> {
  const all = Array.from({ length: documents }, (_, n) => ({
    _id: n,
    n: twins.includes(n) ? -1 : n,
    tags: [1, 2, 3, 4, 5, `t${n % 100}`].map((tag) =>
      typeof tag === "number" ? (n * tag * 7_919) % 1_009 : tag,
    ),
    text: `text ${(n * 104_729) % documents}`,
  }));
  await agent.things("insertMany", all);
}

async function builds(agent: Agent): Promise<Build[]> {
  const status = (await agent.chain(["status"])) as { host: { indexBuilds: Build[] } | null };
  return status.host?.indexBuilds ?? [];
}

/** Begins a build and waits until it is under way. @returns what becomes of it, once that is known */
async function beginBuild(
  client: Agent,
  ...createIndex: unknown[]
): Promise<{ outcome: Promise<unknown> }> {
  assert.equal(await client.call("beginBuild", createIndex), true, "the build can be seen");
  return { outcome: client.call("endBuild").catch((error: unknown) => error) };
}

async function indexNames(agent: Agent): Promise<string[]> {
  const indexes = (await agent.things("indexes")) as { name: string }[];
  return indexes.map((index) => index.name);
}

test("others write while an index is built, and status shows how far it is", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary", { ipc: "primary" });
  const client = await openAgent(site, "client");
  await fill(client);
  const { outcome } = await beginBuild(client, key);
  const seen: Build[] = [];
  let writes = 0;
  for (;;) {
    const [build] = await builds(primary);
    if (!build) break;
    seen.push(build);
    await client.things("insertOne", {
      _id: `new ${writes}`,
      n: documents + writes,
      tags: ["new"],
    });
    await client.things("updateOne", { _id: writes * 100 }, { $set: { tags: ["changed"] } });
    await client.things("deleteOne", { _id: writes * 100 + 1 });
    writes += 1;
  }
  assert.equal(await outcome, name);
  assert.ok(writes > 0 && seen.length > 0);
  const [first] = seen;
  assert.deepEqual(
    { ...first, done: 0, documents },
    {
      db: "app",
      collection: "things",
      index: name,
      done: 0,
      documents,
    },
  );
  const done = seen.map((build) => build.done);
  assert.deepEqual(
    done,
    [...done].sort((a, b) => a - b),
    "a build does not go back",
  );
  assert.ok(done.at(-1)! > 0);
  assert.deepEqual(await builds(primary), []);
  const checked = await checkIndexConsistency(site.rootPath);
  assert.deepEqual([checked.documents, checked.indexes], [documents, 1]);
  const changed = await client.find({ tags: "changed" }, { hint: name });
  assert.equal(changed.length, writes);
});

test("an index that is being built is not read, and is listed as such", async (t) => {
  const site = new Site(t);
  await openAgent(site, "primary", { ipc: "primary" });
  const client = await openAgent(site, "client");
  await fill(client);
  const { outcome } = await beginBuild(client, key);
  const hinted = client.find({ tags: 1 }, { hint: name, limit: 1 }).then(
    () => "read",
    (error: AgentError) => error.code,
  );
  const listed = (await client.things("indexes")) as { name: string; building?: true }[];
  const isBuilding = listed.some((index) => index.name === name && index.building);
  // When it is still being built now, it was when the hint was given.
  if (isBuilding) assert.equal(await hinted, 2);
  assert.equal(await client.things("countDocuments", { tags: "t5" }), documents / 100);
  assert.equal(await outcome, name);
  assert.equal(
    await client.things("countDocuments", { tags: "t5" }, { hint: name }),
    documents / 100,
  );
});

test("the primary is killed in the middle of a build: the next one completes it", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary", { ipc: "primary" });
  const [client, heir] = await Promise.all([
    openAgent(site, "client", { ipc: "client" }),
    openAgent(site, "heir"),
  ]);
  await fill(client);
  const { outcome } = await beginBuild(client, key);
  await primary.process.murder();
  assert.equal(await outcome, name);
  assert.deepEqual((await heir.event("role")).slice(1), ["client", "primary"]);
  assert.deepEqual(await indexNames(client), ["_id_", name]);
  const checked = await checkIndexConsistency(site.rootPath);
  assert.deepEqual([checked.documents, checked.indexes], [documents, 1]);
});

test("a primary that closes during a build leaves it to the next one", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary", { ipc: "primary" });
  const [client, heir] = await Promise.all([
    openAgent(site, "client", { ipc: "client" }),
    openAgent(site, "heir"),
  ]);
  await fill(client);
  const { outcome } = await beginBuild(client, key);
  await primary.close();
  assert.equal(await outcome, name);
  assert.deepEqual((await heir.event("role")).slice(1), ["client", "primary"]);
  const checked = await checkIndexConsistency(site.rootPath);
  assert.deepEqual([checked.documents, checked.indexes], [documents, 1]);
});

test("values that are not unique end a build, and later writes are free of it", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary", { ipc: "primary" });
  const client = await openAgent(site, "client");
  await fill(client, [20_000, 35_000]);
  const { outcome } = await beginBuild(client, { n: 1 }, { unique: true });
  const { code, told } = (await outcome) as AgentError;
  assert.equal(code, 11000);
  assert.deepEqual(told.keyPattern, { n: 1 });
  assert.deepEqual(told.keyValue, { n: -1 });
  assert.deepEqual(await indexNames(client), ["_id_"]);
  assert.deepEqual(await builds(primary), []);
  await client.things("insertOne", { _id: "third", n: -1 });
  await client.things("deleteMany", { n: -1 });
  assert.equal(await client.things("createIndex", { n: 1 }, { unique: true }), "n_1");
  const again = await client.things("insertOne", { n: 5 }).catch((error: unknown) => error);
  assert.equal((again as AgentError).code, 11000);
  const checked = await checkIndexConsistency(site.rootPath);
  assert.deepEqual([checked.documents, checked.indexes], [documents - 2, 1]);
});

test("of several indexes either all are built or none", async (t) => {
  const site = new Site(t);
  await openAgent(site, "primary", { ipc: "primary" });
  const client = await openAgent(site, "client");
  await fill(client, [20_000, 35_000]);
  const unique = { key: { n: 1 }, unique: true };
  const error = await client
    .things("createIndexes", [{ key: { text: 1 } }, unique, { key }])
    .catch((reason: unknown) => reason);
  assert.equal((error as AgentError).code, 11000);
  assert.deepEqual(await indexNames(client), ["_id_"]);
  // One that was there before the call stays.
  await client.things("createIndex", { text: 1 });
  await client.things("createIndexes", [{ key: { text: 1 } }, unique]).catch(() => {});
  assert.deepEqual(await indexNames(client), ["_id_", "text_1"]);
  await checkIndexConsistency(site.rootPath);
});

for (const [what, drop] of [
  ["the collection", ["drop"]],
  ["the index", ["dropIndex", name]],
  ["all indexes", ["dropIndexes"]],
] as const) {
  test(`dropping ${what} ends a build with 276`, async (t) => {
    const site = new Site(t);
    const primary = await openAgent(site, "primary", { ipc: "primary" });
    const client = await openAgent(site, "client");
    await fill(client);
    const { outcome } = await beginBuild(client, key);
    const [method, ...args] = drop;
    await client.things(method, ...args);
    const error = (await outcome) as AgentError;
    assert.equal(error.code, 276, String(error));
    assert.equal(error.retryable, true);
    assert.deepEqual(await builds(primary), []);
    await client.things("insertOne", { _id: "later", n: 1, tags: [1] });
    assert.deepEqual(await indexNames(client), ["_id_"]);
    await checkIndexConsistency(site.rootPath);
  });
}
