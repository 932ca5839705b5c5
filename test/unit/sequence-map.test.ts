import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SequenceMap } from "../../src/sequence-map.js";

interface Step {
  act: "set" | "delete" | "get";
  number: number;
}

// Few numbers, so that they meet; and those that share a place.
const numbers = fc.oneof(
  fc.nat(40),
  fc.nat(20).map((n) => n * 64),
  fc.nat(5).map((n) => 2 ** 40 + n * 32),
);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ act: fc.constantFrom("set", "set", "delete", "get"), number: numbers }),
  { maxLength: 300 },
);

test("it holds what a Map holds", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const map = new SequenceMap<string>();
      const model = new Map<number, string>();
      all.forEach(({ act, number }, at) => {
        if (act === "set") {
          map.set(number, `${at}`);
          model.set(number, `${at}`);
        } else if (act === "delete") {
          assert.equal(map.delete(number), model.get(number));
          model.delete(number);
        }
        assert.equal(map.get(number), model.get(number));
        assert.equal(map.has(number), model.has(number));
        assert.equal(map.size, model.size);
      });
      assert.deepEqual(
        map.numbers(),
        [...model.keys()].sort((a, b) => a - b),
      );
      for (const [number, value] of model) assert.equal(map.get(number), value);
    }),
    { numRuns: 500 },
  );
});

test("numbers that come and go for ever need no more room", () => {
  const map = new SequenceMap<number>();
  for (let number = 1; number < 100_000; number += 1) {
    map.set(number, number);
    if (number > 20) assert.equal(map.delete(number - 20), number - 20);
  }
  assert.equal(map.size, 20);
  assert.deepEqual(map.numbers()[0], 99_980);
});

test("many numbers side by side go one by one without looking at all the others", () => {
  const map = new SequenceMap<number>();
  const count = 200_000;
  for (let number = 0; number < count; number += 1) map.set(number, number);
  // In a run of all of them, each of these would look at as many as are left: for half an hour.
  for (let number = 0; number < count; number += 1) assert.equal(map.delete(number), number);
  assert.equal(map.size, 0);
  assert.deepEqual(map.numbers(), []);
});
