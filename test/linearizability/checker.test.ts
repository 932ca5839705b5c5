/** The checker of histories: what it must accept, and what it must reject. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random, scaled, seed } from "../support/soak.js";
import { isLinearizable } from "./brute-force.js";
import { explain, findViolation } from "./checker.js";
import { type Call, type Operation, show } from "./history.js";
import { invent, spoil } from "./invented-history.js";

const never = Number.POSITIVE_INFINITY;

/** `[from, to, call, result]` of a register "a". */
type Line = [calledAt: number, returnedAt: number, call: Call, result?: Operation["result"]];

const read: Call = { kind: "read" };
const write = (value: number | null): Call => ({ kind: "write", value });
const cas = (from: number | null, to: number | null): Call => ({ kind: "cas", from, to });
const holds = (value: number | null): Call => ({ kind: "holds", value });

function history(lines: readonly Line[], key = "a"): Operation[] {
  return lines.map(([calledAt, returnedAt, call, result]) => ({
    key,
    call,
    result,
    calledAt,
    returnedAt,
  }));
}

const good: Record<string, Line[]> = {
  "nothing at all": [],
  "one after the other": [
    [0, 1, read, null],
    [2, 3, write(1)],
    [4, 5, read, 1],
    [6, 7, cas(1, 2), true],
    [8, 9, cas(1, 3), false],
    [10, 11, read, 2],
    [12, 13, holds(2), true],
    [14, 15, write(null)],
    [16, 17, holds(2), false],
    [18, 19, cas(null, 4), true],
  ],
  "a read during a write gives either value": [
    [0, 1, write(1)],
    [2, 9, write(2)],
    [3, 4, read, 1],
    [5, 6, read, 2],
  ],
  "two writes at once, in the order of a third": [
    [0, 9, write(1)],
    [0, 9, write(2)],
    [10, 11, read, 1],
  ],
  "a write that returns late is seen early": [
    [0, 100, write(1)],
    [1, 2, read, 1],
    [3, 4, cas(1, 2), true],
    [5, 6, read, 2],
  ],
  "an unanswered write that takes effect late": [
    [0, never, write(1)],
    [1, 2, read, null],
    [3, 4, write(2)],
    [5, 6, read, 2],
    [7, 8, read, 1],
  ],
  "an unanswered write that never does": [
    [0, never, write(1)],
    [1, 2, write(2)],
    [3, 4, read, 2],
  ],
  "unanswered operations in a row": [
    [0, never, cas(1, 2)],
    [0, never, write(1)],
    [1, 2, read, null],
    [3, never, cas(2, 3)],
    [4, 5, read, 3],
  ],
  "a compare-and-set that failed because of an unanswered write": [
    [0, 1, write(1)],
    [2, never, write(2)],
    [3, 4, cas(1, 3), false],
    [5, 6, read, 2],
  ],
  "a return and a call at the same time": [
    [0, 5, write(1)],
    [5, 6, read, null],
  ],
};

const bad: Record<string, Line[]> = {
  "a stale read": [
    [0, 1, write(1)],
    [2, 3, write(2)],
    [4, 5, read, 1],
  ],
  "a stale read of nothing": [
    [0, 1, write(1)],
    [2, 3, read, null],
  ],
  "a lost update": [
    [0, 1, write(1)],
    [2, 3, read, null],
    [4, 5, read, null],
  ],
  "two compare-and-sets that both succeed from the same value": [
    [0, 1, write(1)],
    [2, 9, cas(1, 2), true],
    [2, 9, cas(1, 3), true],
  ],
  "a read that goes back": [
    [0, 1, write(1)],
    [2, 20, write(2)],
    [3, 4, read, 2],
    [5, 6, read, 1],
  ],
  "a value never written": [
    [0, 1, write(1)],
    [2, 3, read, 7],
  ],
  "a write seen before its call": [
    [0, 1, read, 1],
    [2, 3, write(1)],
  ],
  "an unanswered write seen before its call": [
    [0, 1, read, 1],
    [2, never, write(1)],
  ],
  "an unanswered write that takes effect twice": [
    [0, never, write(1)],
    [1, 2, read, 1],
    [3, 4, write(2)],
    [5, 6, read, 1],
  ],
  "a write that takes effect twice": [
    [0, 1, write(1)],
    [2, 3, write(2)],
    [4, 5, read, 2],
    [6, 7, read, 1],
  ],
  "a compare-and-set that fails without a cause": [
    [0, 1, write(1)],
    [2, 3, cas(1, 2), false],
  ],
  "a compare-and-set that succeeds from another value": [
    [0, 1, write(1)],
    [2, 3, cas(2, 3), true],
  ],
  "a value that is denied": [
    [0, 1, write(1)],
    [2, 3, holds(1), false],
  ],
  "two readers that disagree about the order of two writes": [
    [0, 1, write(1)],
    [2, 20, write(2)],
    [2, 20, write(3)],
    [3, 4, read, 2],
    [5, 6, read, 3],
    [7, 8, read, 2],
  ],
};

for (const [name, lines] of Object.entries(good)) {
  test(`accepted: ${name}`, () => {
    assert.equal(findViolation(history(lines)), undefined);
    assert.equal(isLinearizable(history(lines)), true, "the reference");
  });
}

for (const [name, lines] of Object.entries(bad)) {
  test(`rejected: ${name}`, () => {
    const violation = findViolation([
      ...history([[0, 1, write(9)]], "another register"),
      ...history(lines),
    ]);
    assert.ok(violation);
    assert.match(explain(violation), /^The history of a is not linearizable/);
    assert.equal(isLinearizable(history(lines)), false, "the reference");
  });
}

test(`small histories: checker and reference agree (seed ${seed})`, () => {
  const random = new Random(seed);
  let rejected = 0;
  const rounds = scaled(1_500, 200_000);
  for (let round = 0; round < rounds; round += 1) {
    const made = invent(random, {
      key: "a",
      operations: 1 + random.below(8),
      overlap: random.next() * 4,
      unanswered: 25,
    });
    const text = (of: Operation[]) => `round ${round}:\n${of.map(show).join("\n")}`;
    assert.equal(findViolation(made), undefined, text(made));
    assert.equal(isLinearizable(made), true, text(made));
    const spoilt = spoil(random, made);
    const expected = isLinearizable(spoilt);
    assert.equal(findViolation(spoilt) === undefined, expected, text(spoilt));
    if (!expected) rejected += 1;
  }
  assert.ok(
    rejected > rounds / 4,
    `only ${rejected} of ${rounds} were wrong: the test says little`,
  );
});

test(`long histories with many unanswered writes are decided (seed ${seed})`, () => {
  const random = new Random(seed);
  for (let round = 0; round < scaled(2, 100); round += 1) {
    const made = ["a", "b", "c"].flatMap((key) =>
      invent(random, { key, operations: 800, overlap: 8, unanswered: 2 }),
    );
    assert.equal(findViolation(made), undefined);
    const victim = made.findLast(({ key, call }) => key === "b" && call.kind === "read")!;
    victim.result = -1;
    assert.equal(findViolation(made)?.key, "b");
  }
});
