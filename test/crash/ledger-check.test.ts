/** The check of the torture finds what it is there for: each test stores something that no ledger allows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { applyItems } from "./torture/lane-model.js";
import { LedgerCheck, type Stored } from "./torture/ledger-check.js";
import {
  type Done,
  type Item,
  type ItemOperation,
  nothingDone,
  type SchemaOperation,
  type SharedOperation,
} from "./torture/operations.js";

const lane = "1.0";

function item(_id: string, ops: string[] = []): Item {
  return { _id, lane, key: 1, tag: `tag of ${_id}`, n: 0, ops };
}

function insert(id: string): ItemOperation {
  return { on: "items", kind: "one", statement: { kind: "insert", item: item(id) } };
}

const increment: ItemOperation = {
  on: "items",
  kind: "one",
  statement: { kind: "increment", id: "a" },
};

/** A check that knows of these operations: all acknowledged, but for the last one if it is not. */
function checkOf(operations: readonly ItemOperation[], lastIsKnown = true): LedgerCheck {
  const check = new LedgerCheck();
  let items: ReadonlyMap<string, Item> = new Map();
  for (const [at, operation] of operations.entries()) {
    const op = `op${at}`;
    const after = applyItems(items, op, operation);
    items = after.items;
    check.add([{ sent: operation, lane, op }]);
    if (lastIsKnown || at < operations.length - 1) check.add([{ done: after.done, op }]);
  }
  return check;
}

function storedItems(...documents: Item[]): Stored {
  return { ...empty(), items: { documents, indexes: ["_id_"] } };
}

function empty(): Stored {
  return { big: { documents: [], indexes: ["_id_"] } };
}

const twoInserts = [insert("a"), insert("b")];
const a = item("a", ["op0"]);
const b = item("b", ["op1"]);

test("what was acknowledged and is there is right", () => {
  assert.deepEqual(checkOf(twoInserts).check(storedItems(a, b)), []);
});

test("a lost insert is found", () => {
  assert.match(checkOf(twoInserts).check(storedItems(a)).join(), /b is lost/);
});

test("a document that nobody has sent is found", () => {
  const made = { ...item("c"), lane: "9.9" };
  assert.match(
    checkOf(twoInserts)
      .check(storedItems(a, b, made))
      .join(),
    /has sent nothing/,
  );
  assert.match(
    checkOf([insert("a")])
      .check(storedItems(a, b))
      .join(),
    /b should not be there/,
  );
});

test("an increment that was applied twice is found", () => {
  const operations = [insert("a"), increment];
  const doubled = { ...a, n: 2, ops: ["op0", "op1", "op1"] };
  assert.match(checkOf(operations).check(storedItems(doubled)).join(), /a is .* instead of/);
  // Also when it was not acknowledged: then once, or not at all.
  assert.match(checkOf(operations, false).check(storedItems(doubled)).join(), /instead of/);
  const once = { ...a, n: 1, ops: ["op0", "op1"] };
  assert.deepEqual(checkOf(operations, false).check(storedItems(once)), []);
  assert.deepEqual(checkOf(operations, false).check(storedItems(a)), []);
});

test("half of a bulk write is found", () => {
  const both: ItemOperation = {
    on: "items",
    kind: "bulkWrite",
    ordered: true,
    statements: [
      { kind: "insert", item: item("a") },
      { kind: "insert", item: item("b") },
    ],
  };
  assert.match(checkOf([both], false).check(storedItems(a)).join(), /not acknowledged/);
});

test("what has been found of an operation without an acknowledgement holds for ever", () => {
  const there = checkOf(twoInserts, false);
  assert.deepEqual(there.check(storedItems(a, b)), []);
  assert.match(there.check(storedItems(a)).join(), /b is lost/);
  const notThere = checkOf(twoInserts, false);
  assert.deepEqual(notThere.check(storedItems(a)), []);
  assert.match(notThere.check(storedItems(a, b)).join(), /b should not be there/);
});

test("a wrong answer is found", () => {
  const check = new LedgerCheck();
  check.add([{ sent: insert("a"), lane, op: "op0" }]);
  check.add([{ done: { ...nothingDone, failed: [0] }, op: "op0" }]);
  assert.match(check.check(storedItems(a)).join(), /instead of/);
});

function shared(
  ...operations: [op: string, operation: SharedOperation, done?: Partial<Done>][]
): LedgerCheck {
  const check = new LedgerCheck();
  for (const [op, sent, done] of operations) {
    check.add([{ sent, lane, op }]);
    if (done) check.add([{ done: { ...nothingDone, ...done }, op }]);
  }
  return check;
}

function storedTally(collection: string, _id: string, ops: string[], n = ops.length): Stored {
  return { ...empty(), [collection]: { documents: [{ _id, n, ops }], indexes: ["_id_"] } };
}

test("a counter: lost, doubled, unsent, out of order, and another number than was told", () => {
  const count: SharedOperation = { on: "shared", kind: "count", collection: "counters", id: "c0" };
  const two = () => shared(["x", count, { value: 1 }], ["y", count, { value: 2 }], ["z", count]);
  const violations = (ops: string[], n?: number) =>
    two()
      .check(storedTally("counters", "c0", ops, n))
      .join();
  assert.equal(violations(["x", "y"]), "");
  assert.equal(violations(["x", "y", "z"]), "");
  assert.match(violations(["x"]), /y is lost/);
  assert.match(two().check(empty()).join(), /x is lost/);
  assert.match(violations(["x", "y", "y"]), /applied twice/);
  assert.match(violations(["x", "y"], 3), /n is 3 after 2/);
  assert.match(violations(["x", "y", "w"]), /w was never sent/);
  assert.match(violations(["y", "x"]), /y was told 2 and is number 1/);
  assert.match(violations(["y", "x"]), /came too late/);
});

test("a chain of compare-and-set: lost, refused and there, refused without a reason, a gap", () => {
  const from = (seen: number): SharedOperation => ({
    on: "shared",
    kind: "compareAndSet",
    id: "r0",
    seen,
  });
  const violations = (check: LedgerCheck, ops: string[]) =>
    check.check(storedTally("registers", "r0", ops)).join();
  const won = () => shared(["x", from(0), { modified: 1 }], ["y", from(1)]);
  assert.equal(violations(won(), ["x"]), "");
  assert.equal(violations(won(), ["x", "y"]), "");
  assert.match(violations(won(), []), /x is lost/);
  assert.match(violations(won(), ["y", "x"]), /y was to follow 1 and is number 1/);
  const refused = () => shared(["x", from(0), { modified: 0 }], ["y", from(0), { modified: 1 }]);
  assert.equal(violations(refused(), ["y"]), "");
  assert.match(violations(refused(), ["x", "y"]), /x was refused and is there/);
  const alone = shared(["x", from(0), { modified: 0 }]);
  assert.match(violations(alone, []), /refused without a reason/);
});

test("claims of a unique index: two of a slot, lost, refused and there, released and there", () => {
  const claim: SharedOperation = { on: "shared", kind: "claim", slot: 1 };
  const release: SharedOperation = { on: "shared", kind: "release", claim: "x" };
  const violations = (check: LedgerCheck, ...ids: string[]) => {
    const documents = ids.map((_id) => ({ _id, slot: 1 }));
    return check.check({ ...empty(), claims: { documents, indexes: ["_id_"] } }).join();
  };
  const one = () => shared(["x", claim, { inserted: 1 }], ["y", claim, { failed: [0] }]);
  assert.equal(violations(one(), "x"), "");
  assert.match(violations(one()), /x is lost/);
  assert.match(violations(one(), "x", "y"), /y was refused and is there/);
  assert.match(violations(one(), "x", "y"), /both have 1/);
  assert.match(violations(one(), "x", "w"), /w was never sent/);
  const gone = () => shared(["x", claim, { inserted: 1 }], ["r", release, { deleted: 1 }]);
  assert.equal(violations(gone()), "");
  assert.match(violations(gone(), "x"), /there after its release/);
  const unknown = () => shared(["x", claim, { inserted: 1 }], ["r", release]);
  assert.equal(violations(unknown(), "x"), "");
  assert.equal(violations(unknown()), "");
});

test("collections and indexes: lost, undead, and such that nobody has made", () => {
  const collection = `own-${lane}-0`;
  const fill: SchemaOperation = {
    on: "schema",
    kind: "fill",
    collection,
    ids: ["1", "2"],
    padBytes: 0,
  };
  const create: SchemaOperation = {
    on: "schema",
    kind: "createIndex",
    collection,
    name: "by-n",
    key: "n",
  };
  const known = () => {
    const check = new LedgerCheck();
    check.add([{ sent: fill, lane, op: "x" }]);
    check.add([{ done: { ...nothingDone, inserted: 2 }, op: "x" }]);
    return check;
  };
  const created = () => {
    const check = known();
    check.add([{ sent: create, lane, op: "y" }]);
    check.add([{ done: { ...nothingDone }, op: "y" }]);
    return check;
  };
  const violations = (check: LedgerCheck, ids: string[], indexes: string[], name = collection) => {
    const documents = ids.map((_id) => ({ _id }));
    return check.check({ ...empty(), [name]: { documents, indexes } }).join();
  };
  assert.equal(violations(created(), ["1", "2"], ["_id_", "by-n"]), "");
  assert.match(violations(created(), ["1", "2"], ["_id_"]), /instead of/);
  assert.match(violations(created(), ["1"], ["_id_", "by-n"]), /instead of/);
  assert.match(violations(known(), ["1", "2"], ["_id_", "by-n"]), /instead of/);
  assert.match(created().check(empty()).join(), /instead of/);
  assert.match(violations(created(), [], ["_id_"], "other"), /nobody made it/);
  const dropped = created();
  dropped.add([{ sent: { on: "schema", kind: "drop", collection }, lane, op: "z" }]);
  dropped.add([{ done: { ...nothingDone, deleted: 1 }, op: "z" }]);
  assert.match(violations(dropped, ["1", "2"], ["_id_", "by-n"]), /nobody made it/);
});
