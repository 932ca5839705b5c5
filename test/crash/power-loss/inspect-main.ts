/**
 * A process that opens roots with the product, as after a power loss, and says what is wrong with them. Damage may end it.
 *
 * Each message is an {@link Inspection}; the answer is an {@link Inspected}.
 */
import assert from "node:assert/strict";
import { type Database, LioranManager } from "../../../src/index.js";
import { checkIndexConsistency } from "../../support/index-consistency.js";
import { type State, type Stored, stateAfter, type WriterSpec } from "./workload.js";

export interface Inspection {
  rootPath: string;
  databases: Expected[];
}

/** What a database must hold. */
export interface Expected {
  name: string;
  /** Its writers, and how many of their steps must and may be there. */
  writers: { spec: WriterSpec; least: number; most: number }[];
}

export interface Inspected {
  /** What is wrong. */
  failures: string[];
}

process.on("message", async (inspection: Inspection) => {
  const failures: string[] = [];
  try {
    await inspect(inspection, failures);
  } catch (error) {
    failures.push(textOfError(error));
  }
  process.send!({ failures } satisfies Inspected);
});

async function inspect({ rootPath, databases }: Inspection, failures: string[]): Promise<void> {
  const durability = "committed";
  const whole: string[] = [];
  const manager = new LioranManager({ rootPath, ipc: "primary", cores: 0, durability });
  try {
    for (const { name, writers } of databases) {
      try {
        const db = await manager.db(name);
        await check(db, writers);
        // New pages come from the list of free ones: it must have none that are in use.
        await writeMore(db);
        await check(db, writers);
        whole.push(name);
      } catch (error) {
        failures.push(`${name}: ${textOfError(error)}`);
      }
    }
  } finally {
    await manager.close();
  }
  for (const name of whole) {
    await checkIndexConsistency(rootPath, name).catch((error: unknown) => {
      failures.push(`${name}: ${textOfError(error)}`);
    });
  }
}

function textOfError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function check(db: Database, writers: Expected["writers"]): Promise<void> {
  const found: State = new Map();
  for (const { name } of await db.listCollections().toArray()) {
    found.set(name, await read(db, name));
  }
  for (const { spec, least, most } of writers) {
    const own = new Map([...found].filter(([name]) => name.startsWith(`${spec.name}-`)));
    for (const name of own.keys()) found.delete(name);
    const has = textOf(own);
    let steps = most;
    while (steps >= least && textAfter(spec, steps) !== has) steps -= 1;
    if (steps >= least) continue;
    const missing = describe(stateAfter(spec, least));
    assert.fail(
      `${spec.name} has neither what it had after step ${least}, which was acknowledged, nor after ` +
        `any up to ${most}, the last one it sent.\nFound: ${describe(own)}\nAfter ${least}: ${missing}`,
    );
  }
  assert.deepEqual([...found.keys()], [], "collections that nobody made");
}

async function read(db: Database, name: string): Promise<Stored> {
  const collection = db.collection(name);
  const documents = await collection.find({}).toArray();
  assert.equal(await collection.countDocuments({}), documents.length, name);
  assert.equal(await collection.estimatedDocumentCount(), documents.length, name);
  const indexes = await collection.listIndexes().toArray();
  return {
    documents: new Map(documents.map((document) => [String(document._id), document])),
    indexes: new Set(indexes.map((index) => String(index.name))),
  };
}

async function writeMore(db: Database): Promise<void> {
  const collection = db.collection("after");
  await collection.insertMany(
    Array.from({ length: 100 }, (_, n) => ({ n, text: "y".repeat(300) })),
  );
  await collection.updateMany({ n: { $lt: 50 } }, { $set: { text: "z".repeat(900) } });
  assert.equal(await collection.countDocuments({ text: /^z/ }), 50);
  await db.dropCollection("after");
}

/** The texts of the last few states: neighbouring cuts ask for the same ones. */
const texts = new Map<string, string>();

function textAfter(spec: WriterSpec, steps: number): string {
  const name = `${JSON.stringify(spec)} ${steps}`;
  const known = texts.get(name);
  if (known !== undefined) return known;
  if (texts.size > 50) texts.clear();
  const text = textOf(stateAfter(spec, steps));
  texts.set(name, text);
  return text;
}

function textOf(state: State): string {
  const rows = [...state].map(([name, { documents, indexes }]) => [
    name,
    [...indexes].sort(),
    [...documents].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, document]) => document),
  ]);
  return JSON.stringify(rows.sort(([a], [b]) => (a! < b! ? -1 : 1)));
}

function describe(state: State): string {
  const parts = [...state].map(
    ([name, { documents, indexes }]) =>
      `${name}: ${documents.size} documents, indexes ${[...indexes].join(" ")}`,
  );
  return parts.join("; ") || "nothing";
}
