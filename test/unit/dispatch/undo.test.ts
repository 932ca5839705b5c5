/** What a statement that fails leaves behind: nothing, in any store. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { applyCreateIndexes } from "../../../src/dispatch/index-statements.js";
import type { BulkModel } from "../../../src/dispatch/operation.js";
import { PartialWrite } from "../../../src/dispatch/outcome.js";
import { prepareWrite } from "../../../src/dispatch/write-execution.js";
import type { LioranError } from "../../../src/errors.js";
import { acquireDatabases } from "../../../src/storage/databases.js";
import { encodeDocument } from "../../../src/storage/document.js";
import { WriteTransaction } from "../../../src/storage/write-transaction.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const seed = Number(process.env.SEED ?? Date.now() % 1e9);
const root = temporaryRoot();
const databases = acquireDatabases(root.rootPath, "write");
const environment = databases.get("app")!;
const place = { db: "app", collection: "things", durability: "flushed" } as const;
after(async () => {
  await databases.release();
  root.remove();
});

let state = seed;
function below(most: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return (state >>> 8) % most;
}

function dump(): string[] {
  const { catalog, documents, indexes } = environment.stores;
  return [catalog, documents, indexes].flatMap((store, at) =>
    Array.from(
      store.getRange({ start: new Uint8Array([0]), end: new Uint8Array(8).fill(0xff) }),
      ({ key, value }) =>
        `${at} ${Buffer.from(key).toString("hex")} ${Buffer.from(value).toString("hex")}`,
    ),
  );
}

const values = [
  () => below(20),
  () => [below(20), below(20)],
  () => [],
  () => null,
  () => "long".repeat(200 + below(3)),
  () => ({ x: below(3) }),
];
const value = () => values[below(values.length)]!();

function model(): BulkModel {
  const _id = below(3) === 0 ? `${"i".repeat(300)}${below(30)}` : below(60);
  switch (below(4)) {
    case 0:
    case 1:
      return {
        op: "insert",
        document: encodeDocument({ _id, a: value(), b: value(), u: below(200) }),
      };
    case 2: {
      const update = { $set: { a: value(), b: value(), ...(below(3) ? {} : { u: below(200) }) } };
      const filter = below(2) ? { _id } : { a: below(20) };
      return {
        op: "update",
        filter,
        update,
        replacement: false,
        multi: below(2) > 0,
        upsert: below(4) === 0,
      };
    }
    default:
      return { op: "delete", filter: { _id }, multi: true };
  }
}

test(`statements that fail, and operations that are taken back, leave every store as it was (seed ${seed})`, () => {
  let failures = 0;
  environment.commit(() => {
    const transaction = new WriteTransaction(environment);
    const spec = { unique: false, sparse: false };
    applyCreateIndexes(transaction, {
      kind: "createIndexes",
      ...place,
      indexes: [
        { ...spec, name: "a", key: [["a", 1]] },
        {
          ...spec,
          name: "ba",
          key: [
            ["b", -1],
            ["a", 1],
          ],
        },
        { ...spec, name: "u", key: [["u", 1]], unique: true },
        { ...spec, name: "p", key: [["a.x", 1]], partialFilter: { u: { $gt: 100 } } },
      ],
    });
    for (let round = 0; round < 150; round += 1) {
      const before = dump();
      const mark = transaction.mark();
      const models = Array.from({ length: 1 + below(4) }, model);
      const operation = { kind: "bulk", ...place, models, ordered: below(2) > 0 } as const;
      // Taken back as a whole: what the second run of it does must not differ from the first.
      const run = () => {
        try {
          prepareWrite(databases, operation).apply(transaction);
          return "done";
        } catch (error) {
          if (error instanceof PartialWrite) return (error.reason as LioranError).message;
          throw error;
        }
      };
      const first = run();
      const after = dump();
      transaction.rollbackTo(mark);
      assert.deepEqual(dump(), before, `round ${round}`);
      if (first !== "done") failures += 1;
      if (!models.some(({ op }) => op === "update")) {
        assert.equal(run(), first);
        assert.deepEqual(dump(), after);
      } else run();
    }
    transaction.finish();
  }, false);
  assert.ok(failures > 10, `${failures} failures`);
});
