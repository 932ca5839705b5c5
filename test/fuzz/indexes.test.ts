/**
 * Indexes against no indexes, through the public API: whatever the planner chooses, and whichever index is
 * hinted, a query gives what a walk over the whole collection gives; and after every round of writes, failing
 * ones among them, each index has exactly the entries of its documents.
 *
 * `LIORAN_FUZZ_RUNS` sets the runs (default 40); fast-check prints the seed of one that fails.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { encode } from "../../src/cbor/codec.js";
import {
  type Collection,
  type Database,
  type Document,
  LioranError,
  LioranManager,
} from "../../src/index.js";
import { compileFilter } from "../../src/query/filter.js";
import { compileSort } from "../../src/query/sort.js";
import { checkIndexConsistency } from "../support/index-consistency.js";
import { type TemporaryRoot, temporaryRoot } from "../support/temporary-root.js";
import {
  anyDocument,
  anyIndex,
  anyQuery,
  anyWrite,
  type RandomIndex,
  type RandomQuery,
  type RandomWrite,
} from "./arbitrary-queries.js";

const numRuns = Number(process.env.LIORAN_FUZZ_RUNS ?? 40);
const seed = Number(process.env.LIORAN_FUZZ_SEED ?? Date.now() % 2 ** 31);

let root: TemporaryRoot;
let manager: LioranManager;
let database: Database;
let collections = 0;

before(async () => {
  root = temporaryRoot();
  manager = new LioranManager({
    rootPath: root.rootPath,
    ipc: "primary",
    durability: "committed",
  });
  database = await manager.db("fuzz");
});

after(async () => {
  await manager.close();
  root.remove();
});

/** What a write on random data may fail with. */
const expectedCodes = new Set<unknown>([
  2, 9, 14, 28, 34, 40, 52, 53, 54, 56, 66, 171, 10334, 11000, 17280,
]);
/** Writes that are one statement: all of it takes effect, or nothing. */
const atomic = /^(insertOne|update|replace|delete|findOne)/;

async function attempt(work: () => Promise<unknown>): Promise<LioranError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof LioranError && expectedCodes.has(error.code)) return error;
    throw error;
  }
}

/** Type for type, so that 1 and 1n differ; fields in any order where they are put together anew. */
function exactly(document: unknown, anyOrder: boolean): string {
  const plain = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof Date || value instanceof Uint8Array || value instanceof RegExp) {
      return value;
    }
    const fields = Object.entries(value).map(([name, one]) => [name, plain(one)]);
    if (anyOrder) fields.sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1));
    return Object.fromEntries(fields);
  };
  return Buffer.from(encode(plain(document))).toString("latin1");
}

function multiset(documents: readonly Document[], anyOrder = false): string[] {
  return documents.map((document) => exactly(document, anyOrder)).sort();
}

function assertSame(
  actual: readonly Document[],
  expected: readonly Document[],
  what: string,
): void {
  const [got, wanted] = [multiset(actual, true), multiset(expected, true)];
  if (inspect(got) === inspect(wanted) && got.every((one, at) => one === wanted[at])) return;
  assert.deepEqual(actual, expected, what);
  assert.fail(`${what}: types differ: ${inspect(actual)} ${inspect(expected)}`);
}

/** Holds one query against its definition, in every way in which it may run. */
async function checkQuery(
  collection: Collection,
  documents: readonly Document[],
  query: RandomQuery,
): Promise<void> {
  const { filter, sort, skip, limit, projection } = query;
  let matches: (document: Document) => boolean;
  try {
    matches = compileFilter(filter);
  } catch (error) {
    // A filter that is wrong is wrong whichever way it would be run.
    const { code } = error as LioranError;
    await assert.rejects(collection.find(filter).toArray(), { code });
    return;
  }
  const expected = documents.filter((document) => matches(document));
  const compare = sort.length > 0 ? compileSort(sort) : () => 0;
  const ordered = [...expected].sort(compare);
  const projected = await collection.find(filter, { projection, hint: { $natural: 1 } }).toArray();
  const indexes = await collection.indexes();
  for (const hint of [undefined, { $natural: 1 }, ...indexes.map(({ name }) => name)]) {
    const index = indexes.find(({ name }) => name === hint);
    // A hint makes a sparse index answer for the documents it has.
    if (index?.sparse) continue;
    const options = hint === undefined ? {} : { hint };
    const what = `hint ${inspect(hint)}`;
    const find = (more: object = {}) => collection.find(filter, { ...options, ...more });
    let all: Document[];
    try {
      all = await find({ sort }).toArray();
    } catch (error) {
      const isRefused = index?.partialFilterExpression && (error as LioranError).code === 2;
      if (isRefused) continue;
      throw error;
    }
    assertSame(all, expected, what);
    assertInOrder(all, ordered, compare, what);
    const page = await find({ sort, skip, limit }).toArray();
    const wanted = limit > 0 ? ordered.slice(skip, skip + limit) : ordered.slice(skip);
    assert.equal(page.length, wanted.length, `${what}: page`);
    assertInOrder(page, wanted, compare, `${what}: page`);
    const known = new Set(multiset(expected));
    assert.ok(multiset(page).every((one) => known.has(one)));
    assert.equal(new Set(multiset(page)).size, page.length, `${what}: each document once`);
    assertSame(await find({ sort, projection }).toArray(), projected, `${what}: projection`);
    const counted = await collection.countDocuments(filter, options);
    assert.equal(counted, expected.length, `${what}: count`);
    const explained = await find({ sort, skip, limit, projection }).explain("executionStats");
    assert.equal(explained.executionStats?.nReturned, page.length, `${what}: explain`);
  }
}

function assertInOrder(
  actual: readonly Document[],
  expected: readonly Document[],
  compare: (a: Document, b: Document) => number,
  what: string,
): void {
  const at = actual.findIndex((document, i) => compare(document, expected[i]!) !== 0);
  if (at >= 0) assert.deepEqual(actual, expected, `${what}: order`);
}

async function allOf(collection: Collection): Promise<Document[]> {
  return collection.find({}, { hint: { $natural: 1 } }).toArray();
}

async function applyWrite(collection: Collection, write: RandomWrite): Promise<void> {
  const [method, ...args] = write;
  const target = collection as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const before = await allOf(collection);
  const error = await attempt(() => target[method](...args));
  if (!error || !atomic.test(method)) return;
  assert.deepEqual(multiset(await allOf(collection)), multiset(before), `${method}: ${error}`);
}

interface Scenario {
  early: RandomIndex[];
  documents: Document[];
  late: RandomIndex[];
  writes: RandomWrite[];
  queries: RandomQuery[];
}

async function checkScenario(scenario: Scenario): Promise<void> {
  collections += 1;
  const collection = await database.createCollection(`c${collections}`);
  const { early, documents, late, writes, queries } = scenario;
  const create = ({ key, options }: RandomIndex) =>
    attempt(() => collection.createIndex(key, options).catch(ignoreConflict));
  for (const index of early) await create(index);
  if (documents.length > 0) {
    await attempt(() => collection.insertMany(documents, { ordered: false }));
  }
  for (const index of late) await create(index);
  await checkIndexConsistency(root.rootPath);
  for (const query of queries) await checkQuery(collection, await allOf(collection), query);
  for (const write of writes) await applyWrite(collection, write);
  await checkIndexConsistency(root.rootPath);
  for (const query of queries) await checkQuery(collection, await allOf(collection), query);
  await collection.drop();
}

/** Two of the random indexes may be the same, with other options. */
function ignoreConflict(error: unknown): void {
  const { code } = error as LioranError;
  if (code !== 85 && code !== 86 && code !== 197 && code !== 67) throw error;
}

test(`results do not depend on indexes, and entries agree with documents (seed ${seed})`, async () => {
  const scenario: fc.Arbitrary<Scenario> = fc.record({
    early: fc.array(anyIndex, { maxLength: 3 }),
    documents: fc.array(anyDocument, { maxLength: 20 }),
    late: fc.array(anyIndex, { maxLength: 2 }),
    writes: fc.array(anyWrite, { maxLength: 10 }),
    queries: fc.array(anyQuery, { minLength: 1, maxLength: 5 }),
  });
  await fc.assert(fc.asyncProperty(scenario, checkScenario), { numRuns, seed });
});
