import assert from "node:assert/strict";
import { test } from "node:test";
import { filterHasLoop, hasLoop } from "../../../src/query/loops.js";

test("operators that go over what they make themselves are found wherever they stand", () => {
  const long = { $size: { $range: [0, 1e6] } };
  assert.ok(hasLoop([{ $match: { a: 1 } }, { $set: { b: { c: long } } }]));
  assert.ok(filterHasLoop({ a: 1, $expr: { $gt: [long, 3] } }));
  assert.ok(filterHasLoop({ $or: [{ a: 1 }, { $expr: { $gt: [long, 3] } }] }));
  assert.ok(hasLoop({ a: { $map: { input: "$list", in: "$$this" } } }));
});

test("what takes no longer than its document is large is not", () => {
  assert.ok(!hasLoop(undefined));
  assert.ok(!hasLoop([{ $match: { a: { $in: [1, 2] } } }, { $group: { _id: "$a" } }]));
  assert.ok(!filterHasLoop({ a: { $gt: 1 }, $and: [{ b: 1 }, { $expr: { $gt: ["$a", "$b"] } }] }));
});
