import assert from "node:assert/strict";
import { test } from "node:test";
import { ClientSession } from "../../../src/dispatch/client-session.js";
import type { WriteOutcome } from "../../../src/dispatch/outcome.js";

const outcome: WriteOutcome = { failed: false, body: new Uint8Array(0) };

for (const [what, settled] of [
  ["an answer", outcome],
  ["that a write is left to the next Host", undefined],
] as const) {
  test(`the connection that sent a write last is told ${what}`, () => {
    const session = new ClientSession("018f0000-0000-7000-8000-000000000000");
    const told: [string, WriteOutcome | undefined][] = [];
    const first = (one: WriteOutcome | undefined) => void told.push(["first", one]);
    assert.equal(session.begin(1, first), undefined);
    assert.equal(
      session.begin(1, (one) => void told.push(["second", one])),
      first,
    );
    session.settle(1, settled);
    assert.deepEqual(told, [["second", settled]]);
    assert.equal(session.underWay, 0);
    session.settle(1, settled);
    assert.equal(told.length, 1);
  });
}
