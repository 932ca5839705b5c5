import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  all,
  from,
  type Interval,
  type Intervals,
  intersection,
  isEverything,
  isPoint,
  point,
  shownInterval,
  startingWith,
  successor,
  union,
  upTo,
} from "../../../../src/query/plan/interval.js";
import { encodeKey } from "../../../../src/storage/key.js";
import { compareValues, orderOf } from "../../../../src/values/compare.js";
import { anyScalar, anyString, anyValue } from "../../values/arbitrary-values.js";

/** Whether entries of the value lie in the interval: its key is followed by any byte below 0xff. */
function holds(intervals: Intervals, value: unknown): boolean {
  const entry = Buffer.concat([encodeKey(value), Buffer.of(0x5a)]);
  return intervals.some(
    ({ lower, upper }) =>
      Buffer.compare(lower.at, entry) <= 0 && Buffer.compare(entry, upper.at) < 0,
  );
}

const numRuns = 2_000;
const bound = anyScalar.filter((value) => !Number.isNaN(value));

test("a point holds what is equal, and nothing else", () => {
  const property = fc.property(anyValue, anyValue, (a, b) => {
    assert.equal(isPoint(point(a)), true);
    assert.equal(holds([point(a)], a), true);
    assert.equal(holds([point(a)], b), compareValues(a, b) === 0);
  });
  fc.assert(property, { numRuns });
});

test("an open interval holds the values of the same type on its side", () => {
  const property = fc.property(bound, anyScalar, fc.boolean(), (a, b, isInclusive) => {
    const isComparable = orderOf(a) === orderOf(b) && !Number.isNaN(b);
    const order = compareValues(b, a);
    const isEqual = isInclusive && order === 0;
    assert.equal(holds([from(a, isInclusive)], b), isComparable && (order > 0 || isEqual));
    assert.equal(holds([upTo(a, isInclusive)], b), isComparable && (order < 0 || isEqual));
  });
  fc.assert(property, { numRuns });
});

test("a prefix holds the texts that begin with it", () => {
  const property = fc.property(anyString, anyString, anyScalar, (prefix, rest, other) => {
    fc.pre(prefix.isWellFormed() && rest.isWellFormed());
    assert.equal(holds([startingWith(prefix)], prefix + rest), true);
    const isText = typeof other === "string" && other.isWellFormed();
    if (isText) assert.equal(holds([startingWith(prefix)], other), other.startsWith(prefix));
    else if (typeof other !== "string") assert.equal(holds([startingWith(prefix)], other), false);
  });
  fc.assert(property, { numRuns });
});

const anyInterval: fc.Arbitrary<Interval> = fc.oneof(
  anyScalar.map((value) => point(value)),
  fc.tuple(bound, fc.boolean()).map(([value, isInclusive]) => from(value, isInclusive)),
  // Nothing lies below the lowest value of a type.
  fc
    .tuple(bound, fc.boolean())
    .filter(([value]) => value !== null && value !== Number.NEGATIVE_INFINITY)
    .map(([value, isInclusive]) => upTo(value, isInclusive)),
);
const anyIntervals = fc.array(anyInterval, { maxLength: 4 });

function assertSorted(intervals: Intervals): void {
  for (const [at, { lower, upper }] of intervals.entries()) {
    assert.ok(Buffer.compare(lower.at, upper.at) < 0, "not empty");
    const next = intervals[at + 1];
    if (next) assert.ok(Buffer.compare(upper.at, next.lower.at) < 0, "sorted and disjoint");
  }
}

test("union and intersection hold what either, and what both, hold", () => {
  const property = fc.property(anyIntervals, anyIntervals, anyScalar, (a, b, value) => {
    const [one, other] = [union(a), union(b)];
    assertSorted(one);
    assert.equal(holds(one, value), holds(a, value));
    const both = intersection(one, other);
    assertSorted(both);
    assert.equal(holds(both, value), holds(a, value) && holds(b, value));
    assert.deepEqual(intersection(one, all), one);
  });
  fc.assert(property, { numRuns });
});

test("everything is what no bound has narrowed", () => {
  assert.equal(isEverything(all), true);
  assert.equal(isEverything(intersection(all, all)), true);
  assert.equal(isEverything([from(1, true)]), false);
  assert.equal(isEverything([]), false);
});

test("the successor lies behind everything with the prefix", () => {
  assert.deepEqual(Buffer.from(successor(Buffer.of(1, 2))), Buffer.of(1, 3));
  assert.deepEqual(Buffer.from(successor(Buffer.of(1, 0xff, 0xff))), Buffer.of(2));
  assert.deepEqual(Buffer.from(successor(Buffer.of(0xff))), Buffer.of(0xff));
});

test("intervals are shown as MongoDB shows them", () => {
  const shown = (interval: Interval) => shownInterval(interval);
  assert.equal(shown(all[0]!), "[MinKey, MaxKey]");
  assert.equal(shown(point(5)), "[5, 5]");
  assert.equal(shown(point("a")), '["a", "a"]');
  assert.equal(shown(from(5, false)), "(5, inf.0]");
  assert.equal(shown(upTo(5n, true)), "[-inf.0, 5]");
  assert.equal(shown(upTo("m", false)), '["", "m")');
  assert.equal(shown(from(new Date(3), true)), "[new Date(3), MaxKey)");
});
