import assert from "node:assert/strict";
import { test } from "node:test";
import { LioranError } from "../../../src/errors.js";
import { compileExpression } from "../../../src/query/expression.js";
import type { Document } from "../../../src/values/document.js";

const evaluate = (expression: Document, document: Document = {}) =>
  compileExpression(expression)(document);

test("$regexMatch says whether there is a match", () => {
  const expression = { $regexMatch: { input: "$name", regex: "^an", options: "i" } };
  assert.equal(evaluate(expression, { name: "Anna" }), true);
  assert.equal(evaluate(expression, { name: "Hanna" }), false);
  assert.equal(evaluate(expression, { name: null }), false);
  assert.equal(evaluate(expression, {}), false);
  assert.equal(evaluate({ $regexMatch: { input: "Anna", regex: /N/i } }), true);
  assert.equal(evaluate({ $regexMatch: { input: "Anna", regex: "$regex" } }), false);
  assert.equal(evaluate({ $regexMatch: { input: "Anna", regex: "$r" } }, { r: "nn" }), true);
});

test("$regexFind gives the match, its position in code points, and its groups", () => {
  assert.deepEqual(evaluate({ $regexFind: { input: "😀 ab12", regex: /([a-z]+)(\d+)?(x)?/ } }), {
    match: "ab12",
    idx: 2,
    captures: ["ab", "12", null],
  });
  assert.equal(evaluate({ $regexFind: { input: "ab", regex: "c" } }), null);
  assert.equal(evaluate({ $regexFind: { input: null, regex: "c" } }), null);
});

test("$regexFindAll gives every match in turn, also empty ones", () => {
  const all = (regex: RegExp, input: string) =>
    (evaluate({ $regexFindAll: { input, regex } }) as Document[]).map(({ match, idx }) => [
      match,
      idx,
    ]);
  assert.deepEqual(all(/\d+/, "1 22 😀 333"), [
    ["1", 0],
    ["22", 2],
    ["333", 7],
  ]);
  assert.deepEqual(all(/x*/, "a😀x"), [
    ["", 0],
    ["", 1],
    ["x", 2],
    ["", 3],
  ]);
  assert.deepEqual(all(/^a/, "aaa"), [["a", 0]]);
  assert.deepEqual(evaluate({ $regexFindAll: { input: null, regex: "a" } }), []);
});

test("matches do not depend on the length of the text", () => {
  const padding = " ".repeat(1 << 19);
  for (const regex of [/(a|b|(c))+x/, /(?:(\w)-?)*y/, /😀(.)/, /(a*)*b/]) {
    for (const input of ["cabx", "a-b-cy", "😀😀", "aab"]) {
      const near = evaluate({ $regexFind: { input, regex } }) as Document | null;
      const far = evaluate({ $regexFind: { input: input + padding, regex } });
      assert.deepEqual(far, near, `${regex} in ${input}`);
      const after = evaluate({ $regexFind: { input: padding + input, regex } });
      assert.deepEqual(after, near && { ...near, idx: (near.idx as number) + padding.length });
    }
  }
});

test("groups in a repeated group keep what they matched last, as in MongoDB", () => {
  const found = evaluate({ $regexFind: { input: "ab", regex: /(?:(a)|(b))+/ } });
  assert.deepEqual(found, { match: "ab", idx: 0, captures: ["a", "b"] });
});

test("hostile expressions are answered", () => {
  const input = `${"a".repeat(1 << 20)}!`;
  assert.equal(evaluate({ $regexMatch: { input, regex: "^(a+)+$" } }), false);
  assert.equal(evaluate({ $regexFind: { input, regex: "(a|aa)+b" } }), null);
  assert.throws(
    () => evaluate({ $regexMatch: { input, regex: "(a+)+\\1$" } }),
    /could take too long/,
  );
});

test("searches that add up to too much end with an error", () => {
  const input = "a".repeat(1 << 18);
  const regex = "(?:.*[xy]|a)";
  assert.throws(() => evaluate({ $regexFindAll: { input, regex } }), /takes more than 2000 ms/);
});

for (const [operand, message] of [
  ["a", /expects an object/],
  [{ input: "a" }, /requires "regex"/],
  [{ regex: "a" }, /requires "input"/],
  [{ input: "a", regex: "a", flags: "i" }, /unknown argument: flags/],
  [{ input: 1, regex: "a" }, /"input" to be a string, not int/],
  [{ input: "a", regex: 1 }, /"regex" to be a string or a regular expression, not int/],
  [{ input: "a", regex: "(" }, /invalid/],
  [{ input: "a", regex: "a", options: "g" }, /invalid flag/],
  [{ input: "a", regex: /a/i, options: "i" }, /options set in both/],
] as const) {
  test(`$regexMatch refuses ${JSON.stringify(operand)}`, () => {
    assert.throws(
      () => evaluate({ $regexMatch: operand }),
      (error: unknown) => error instanceof LioranError && message.test(error.message),
    );
  });
}
