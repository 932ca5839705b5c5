/** Histories that are linearizable because they were made from an order, and such that may not be. */
import type { Random } from "../support/soak.js";
import type { Call, Operation, Value } from "./history.js";

export interface Invented {
  key: string;
  operations: number;
  /** How far calls and returns lie from the moment of the effect, in operations. */
  overlap: number;
  /** How many of a hundred operations get no answer. */
  unanswered: number;
}

/** A linearizable history of one register. */
export function invent(random: Random, invented: Invented): Operation[] {
  const { key, operations, overlap, unanswered } = invented;
  let state: Value = null;
  let written = 0;
  const known: Value[] = [null];
  const history: Operation[] = [];
  for (let moment = 0; moment < operations; moment += 1) {
    const call = inventCall(random, known, state, written + 1);
    const calledAt = moment - random.next() * overlap;
    const returnedAt = moment + random.next() * overlap;
    const isWrite = call.kind === "write" || call.kind === "cas";
    if (isWrite) written += 1;
    if (isWrite && random.below(100) < unanswered) {
      history.push({ key, call, calledAt, returnedAt: Number.POSITIVE_INFINITY });
      // Its effect is there, or not.
      if (random.below(2) === 0) continue;
    } else {
      history.push({ key, call, result: resultOf(call, state), calledAt, returnedAt });
    }
    if (call.kind === "write") state = call.value;
    else if (call.kind === "cas" && call.from === state) state = call.to;
    known.push(state);
  }
  return history;
}

/** The history with another result in it: most of the time that is no more linearizable. */
export function spoil(random: Random, history: readonly Operation[]): Operation[] {
  const spoilt = history.map((operation) => ({ ...operation }));
  const told = spoilt.filter(({ result }) => result !== undefined);
  if (told.length === 0) return spoilt;
  const victim = random.pick(told);
  if (victim.call.kind !== "read") victim.result = !victim.result;
  else {
    const values = spoilt.flatMap(({ call }) =>
      call.kind === "write" ? [call.value] : call.kind === "cas" ? [call.to] : [],
    );
    victim.result = random.pick([null, ...values, -1]);
  }
  return spoilt;
}

function inventCall(random: Random, known: readonly Value[], state: Value, next: number): Call {
  const some = random.below(2) === 0 ? state : random.pick(known);
  switch (random.below(5)) {
    case 0:
      return { kind: "write", value: random.below(8) === 0 ? null : next };
    case 1:
      return { kind: "cas", from: some, to: next };
    case 2:
      return { kind: "holds", value: some };
    default:
      return { kind: "read" };
  }
}

function resultOf(call: Call, state: Value): Operation["result"] {
  switch (call.kind) {
    case "read":
      return state;
    case "write":
      return undefined;
    case "cas":
      return state === call.from;
    case "holds":
      return state === call.value;
  }
}
