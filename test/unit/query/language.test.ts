import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { directOperators } from "../../../src/query/direct-operators.js";
import { ownOperators } from "../../../src/query/expression-operators.js";
import { loadOperator, operatorParts } from "../../../src/query/language.js";

const whole = createRequire(import.meta.url)("mingo/operators/expression") as Record<
  string,
  unknown
>;
/** Runs user code. */
const leftOut = ["$function"];

test("every expression operator of mingo is found, by the part it is in", () => {
  const names = Object.values(operatorParts).flatMap((list) =>
    list.split(/\s+/).map((name) => `$${name}`),
  );
  for (const name of names) assert.equal(loadOperator(name), whole[name], name);
  const known = new Set([
    ...names,
    ...Object.keys(ownOperators),
    ...Object.keys(directOperators),
    ...leftOut,
  ]);
  assert.deepEqual(
    Object.keys(whole).filter((name) => !known.has(name)),
    [],
  );
  assert.deepEqual(
    names.filter((name) => name in ownOperators || name in directOperators),
    [],
    "none is given twice",
  );
});
