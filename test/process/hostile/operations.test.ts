/**
 * Operations of every kind with absurd content, from a peer and through the API: each gets one answer, which is a result
 * or an error with a code that says what is wrong. What was stored is consistent afterwards, and no prototype has changed.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { ERRORS, LioranError } from "../../../src/errors.js";
import { LioranManager } from "../../../src/index.js";
import { checkInOwnProcess } from "../../support/checked-indexes.js";
import { progress, Random, scaled, seed } from "../../support/soak.js";
import { type Agent, openAgent } from "../agent.js";
import { connectClient, type RawPeer } from "../raw-peer.js";
import { Site, withDeadline } from "../site.js";
import { Absurd, ownFailure, uncloneable } from "./absurd.js";
import { rightCalls, rightOperations } from "./right-operations.js";

const operationsPerKind = scaled(30, 40_000);
const callsPerMethod = scaled(30, 20_000);
const inFlight = 50;
/** In every thread of the primary: whoever adds to a prototype throws. */
const guarded =
  "data:text/javascript," +
  "for(const{prototype}of[Object,Array,Function,String,Number,Boolean,Date,RegExp,Promise,Map,Set])" +
  "Object.preventExtensions(prototype)";

const documents = Array.from({ length: 60 }, (_, n) => ({
  _id: n,
  n: n % 7,
  m: 1,
  list: [n, { a: n }],
  text: `a${n}`,
}));

test(`operations with absurd content from a peer are answered (seed ${seed})`, async (t) => {
  const site = new Site(t);
  const start = { env: { NODE_OPTIONS: `--import=${guarded}` } };
  const primary = await openAgent(site, "primary", { cores: 1 }, start);
  await primary.things("insertMany", documents);
  await primary.things("createIndex", { n: 1 });
  await primary.things("createIndex", { list: 1, m: -1 });
  const random = new Random(seed);
  const absurd = new Absurd(random);
  const codes = new Map<string, number>();
  for (const [kind, right] of Object.entries(rightOperations)) {
    const peer = await connectClient(site);
    // They are right before they are spoiled, or all would fail at the same place.
    for (const one of right) {
      const answer = await peer.answer(peer.request({ kind, ...one }));
      const code = "error" in answer ? answer.error.code : "";
      assert.notEqual(code, ERRORS.PROTOCOL.code, `${kind}: ${inspect(answer, { depth: 4 })}`);
    }
    peer.frames.length = 0;
    for (let left = operationsPerKind; left > 0; left -= inFlight) {
      const batch = Array.from({ length: Math.min(left, inFlight) }, () => ({
        kind,
        ...absurd.spoiled(random.pick(right)),
      }));
      await areAnswered(peer, batch, codes);
    }
    peer.socket.destroy();
    progress(`${kind}: ${operationsPerKind} operations`);
  }
  t.diagnostic(JSON.stringify(Object.fromEntries(codes)));
  await isWell(t, site, primary);
});

async function areAnswered(peer: RawPeer, batch: object[], codes: Map<string, number>) {
  const asked: [number, object][] = [];
  for (const operation of batch) {
    try {
      asked.push([peer.request(operation), operation]);
    } catch {
      // Nested too deeply for the encoder.
    }
  }
  for (const [sequence, operation] of asked) {
    const answer = await peer.answer(sequence);
    const code = "error" in answer ? String(answer.error.code) : "result";
    codes.set(code, (codes.get(code) ?? 0) + 1);
    if ("error" in answer && code === ERRORS.INTERNAL.code) {
      assert.fail(`${inspect(operation, { depth: 9 })}: ${answer.error.cause ?? answer.error}`);
    }
  }
  const sequences = peer.frames.map(({ sequence }) => sequence);
  assert.equal(new Set(sequences).size, sequences.length, "a request was answered twice");
  peer.frames.length = 0;
}

async function isWell(t: TestContext, site: Site, primary: Agent): Promise<void> {
  const { insertedId } = await primary.things("insertOne", {});
  assert.deepEqual(await primary.things("findOne", { _id: insertedId }), { _id: insertedId });
  assert.equal(primary.process.stderr, "");
  const checked = await checkInOwnProcess(site.rootPath);
  assert.ok(checked.documents > 0);
  t.diagnostic(JSON.stringify(checked));
}

test(`calls of the API with absurd arguments end with a result or an error (seed ${seed})`, async (t) => {
  const site = siteOfItsOwn(t);
  const manager = new LioranManager({ rootPath: site.rootPath, cores: 0 });
  try {
    const db = await manager.db("app");
    await db.collection("things").insertMany(documents);
    await db.collection("things").createIndex({ n: 1 });
    const random = new Random(seed);
    const absurd = new Absurd(random, { local: true });
    const codes = new Map<string, number>();
    const membersBefore = prototypeMembers();
    for (const [name, { call, args }] of Object.entries(rightCalls)) {
      for (let n = 0; n < callsPerMethod; n += 1) {
        const spoiled = absurd.spoiled(args);
        const attempt = async () => await call(manager, db, spoiled as never[]);
        const code = await withDeadline(attempt(), () => `${name} with ${shown(spoiled)}`).then(
          () => "result",
          (error: unknown) => codeOf(error, `${name} with ${shown(spoiled)}`),
        );
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
      progress(`${name}: ${callsPerMethod} calls`);
    }
    assert.deepEqual(prototypeMembers(), membersBefore);
    t.diagnostic(JSON.stringify(Object.fromEntries(codes)));
  } finally {
    await manager.close();
  }
  await checkInOwnProcess(site.rootPath);
});

test("each argument of each call of the API may be something that is no data", async (t) => {
  const site = siteOfItsOwn(t);
  const manager = new LioranManager({ rootPath: site.rootPath, cores: 0 });
  try {
    const db = await manager.db("app");
    await db.collection("things").insertMany(documents);
    for (const [name, { call, args }] of Object.entries(rightCalls)) {
      // One more than it was given: its options.
      for (let at = 0; at <= args.length; at += 1) {
        for (const make of [...uncloneable, () => null, () => undefined, () => -1]) {
          const given = [...args];
          given[at] = make();
          const attempt = async () => await call(manager, db, given as never[]);
          await withDeadline(attempt(), () => `${name} with ${shown(given)}`).catch(
            (error: unknown) => codeOf(error, `${name} with ${shown(given)}`),
          );
        }
      }
    }
  } finally {
    await manager.close();
  }
  await checkInOwnProcess(site.rootPath);
});

/** A manager that is given no root must not open that of whoever runs the tests. */
function siteOfItsOwn(t: TestContext): Site {
  const site = new Site(t);
  process.env.LIORANDB_PATH = join(site.folder, "default");
  return site;
}

function codeOf(error: unknown, what: string): string {
  if (error === ownFailure) return "the argument's own";
  const isOurs = error instanceof LioranError && error.code !== ERRORS.INTERNAL.code;
  assert.ok(isOurs, `${what}: ${inspect(error)}`);
  return String(error.code);
}

function prototypeMembers(): string[] {
  return [Object, Array, Function, String, Number, Date, RegExp].flatMap(({ name, prototype }) =>
    Reflect.ownKeys(prototype).map((key) => `${name}.${String(key)}`),
  );
}

function shown(value: unknown): string {
  return inspect(value, { depth: 6, maxArrayLength: 20, maxStringLength: 200 });
}
