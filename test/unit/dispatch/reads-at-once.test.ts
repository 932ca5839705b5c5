import assert from "node:assert/strict";
import { before, test } from "node:test";
import { documentsOf as decoded } from "../../../src/api/cursor.js";
import { CursorTable } from "../../../src/dispatch/cursors.js";
import { Dispatcher } from "../../../src/dispatch/dispatcher.js";
import { loadReads } from "../../../src/dispatch/late.js";
import type { CursorResult, FindOperation } from "../../../src/dispatch/operation.js";
import { LioranManager } from "../../../src/index.js";
import { inlineBytesMax } from "../../../src/limits.js";
import { acquireDatabases } from "../../../src/storage/databases.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const long = "x".repeat(300);
const documents = [
  { _id: "a", n: 1 },
  { _id: "b", n: 2, list: [1, { deep: Buffer.from("bytes") }] },
  { _id: 3, n: 3 },
  { _id: long, n: 4 },
];

const queries: [what: string, query: Partial<FindOperation>, places: number[]][] = [
  ["a text", { filter: { _id: "b" } }, [1]],
  ["a text, with a limit", { filter: { _id: "b" }, limit: 1 }, [1]],
  ["a number", { filter: { _id: 3 } }, [2]],
  ["a long text", { filter: { _id: long } }, [3]],
  ["a text that nobody has", { filter: { _id: "c" } }, []],
  ["a text longer than any key", { filter: { _id: "y".repeat(2_000) } }, []],
  ["another collection", { filter: { _id: "a" }, collection: "none" }, []],
  ["another database", { filter: { _id: "a" }, db: "none" }, []],
  ["null", { filter: { _id: null } }, []],
  ["two conditions", { filter: { _id: "a", n: 2 } }, []],
  ["a list", { filter: { _id: { $in: ["a", 3] } } }, [2, 0]],
  ["no condition", { filter: {} }, [2, 0, 1, 3]],
  ["a range in which it is not", { filter: { _id: "a" }, idRange: { after: "a" } }, []],
  ["a range in which it is", { filter: { _id: "b" }, idRange: { after: "a", upTo: "b" } }, [1]],
  ["more to skip than there is", { filter: { _id: "a" }, skip: 1 }, []],
  ["an order", { filter: { _id: "a" }, sort: [["n", -1]] }, [0]],
];

const large = { _id: "large", text: "x".repeat(inlineBytesMax) };
const find = { kind: "find", db: "app", collection: "items" } as const;
const caller = { cursors: new CursorTable(), encoded: true };

before(loadReads);

for (const [what, query, places] of queries) {
  test(`what is read at once for ${what} is what a query finds`, () =>
    withDocuments(async (dispatcher) => {
      const operation: FindOperation = { ...find, filter: {}, ...query };
      const executed = await dispatcher.execute<"find">(operation, caller);
      const expected = places.map((place) => documents[place]);
      assert.deepEqual(documentsOf(executed), expected);
      const atOnce = dispatcher.openNow(operation, caller);
      // Without a pool, what may take long is not tried.
      if (atOnce) assert.deepEqual(documentsOf(atOnce), expected);
      else assert.equal(what, "no condition");
    }));
}

test("a projection, and a hint that names no index, are seen to at once as well", () =>
  withDocuments(async (dispatcher) => {
    const operation: FindOperation = { ...find, filter: { _id: "b" } };
    const projected = dispatcher.openNow({ ...operation, projection: { n: 1 } }, caller);
    assert.deepEqual(documentsOf(projected!), [{ _id: "b", n: 2 }]);
    assert.throws(() => dispatcher.openNow({ ...operation, hint: "none" }, caller), { code: 2 });
  }));

test("a large document is not copied at once", () =>
  withDocuments(
    async (dispatcher) => {
      const operation: FindOperation = { ...find, filter: { _id: "large" } };
      assert.equal(dispatcher.openNow(operation, caller), undefined);
      const executed = await dispatcher.execute<"find">(operation, caller);
      assert.deepEqual(documentsOf(executed), [large]);
    },
    [large],
  ));

async function withDocuments(
  work: (dispatcher: Dispatcher) => Promise<void>,
  stored: object[] = documents,
): Promise<void> {
  using root = temporaryRoot();
  const manager = new LioranManager({ rootPath: root.rootPath, cores: 0 });
  await (await manager.db("app")).collection("items").insertMany(stored);
  await manager.close();
  const databases = acquireDatabases(root.rootPath, "read");
  await work(new Dispatcher({ databases, reads: "local" }));
  await databases.release();
}

function documentsOf(result: CursorResult): unknown[] {
  assert.equal(result.cursor, 0);
  assert.ok("bytes" in result.batch, "it is encoded");
  return decoded(result);
}
