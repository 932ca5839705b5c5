/**
 * What the processes of a test have asked for and were told, operation by operation, of registers: each key holds one
 * value, or none.
 */

/** What a register holds; null: nothing. Written values are never written twice. */
export type Value = number | null;

export type Call =
  | { kind: "read" }
  /** Puts a value whatever there is. */
  | { kind: "write"; value: Value }
  /** Puts a value if there is a certain one (null: if there is none), and says whether it did. */
  | { kind: "cas"; from: Value; to: Value }
  /** Says whether there is a certain value. */
  | { kind: "holds"; value: Value };

export interface Operation {
  /** Which register. */
  key: string;
  call: Call;
  /** What a read gave, or whether a compare-and-set or "holds" did; undefined for writes. */
  result?: Value | boolean;
  /** When it was called, by a clock that all processes share. */
  calledAt: number;
  /** When it returned; Infinity: never, so that it may take effect at any time after its call, or not at all. */
  returnedAt: number;
  /** For messages: which process, and how it was asked for. */
  by?: string;
}

export function isAnswered({ returnedAt }: Operation): boolean {
  return returnedAt !== Number.POSITIVE_INFINITY;
}

/** What an operation puts when it takes effect; undefined: it changes nothing. */
export function product({ call, result }: Operation): { value: Value } | undefined {
  if (call.kind === "write") return { value: call.value };
  return call.kind === "cas" && result !== false ? { value: call.to } : undefined;
}

/** @returns the state afterwards, or undefined when the operation cannot have this result in this state */
export function apply(state: Value, { call, result }: Operation): { state: Value } | undefined {
  switch (call.kind) {
    case "read":
      return result === state ? { state } : undefined;
    case "write":
      return { state: call.value };
    case "cas":
      if (result !== (state === call.from)) return undefined;
      return { state: result ? call.to : state };
    case "holds":
      return result === (state === call.value) ? { state } : undefined;
  }
}

/**
 * What an operation without an answer makes of a state.
 *
 * @returns undefined when that changes nothing
 */
export function applyUnanswered(state: Value, { call }: Operation): { state: Value } | undefined {
  if (call.kind === "write") return { state: call.value };
  if (call.kind === "cas" && call.from === state) return { state: call.to };
  return undefined;
}

/** One line for people. */
export function show({ key, call, result, calledAt, returnedAt, by }: Operation): string {
  const what =
    call.kind === "read"
      ? "read"
      : call.kind === "cas"
        ? `cas ${call.from} -> ${call.to}`
        : `${call.kind} ${call.value}`;
  const gave =
    returnedAt === Number.POSITIVE_INFINITY ? "?" : String(result === undefined ? "done" : result);
  return `${calledAt} .. ${returnedAt} ${key}: ${what} = ${gave}${by ? ` (${by})` : ""}`;
}
