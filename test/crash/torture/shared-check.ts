/** The part of the ledger check that is about documents which all processes change. */
import type { Stored } from "./ledger-check.js";
import type { Done, SharedOperation } from "./operations.js";

interface Entry {
  readonly lane: string;
  readonly operation: SharedOperation;
  /** Undefined: not acknowledged. */
  done: Done | undefined;
  /** What a check has found of one that was not acknowledged. */
  found: boolean | undefined;
}

interface Unknown {
  applied: number;
  unapplied: number;
}

export class SharedCheck {
  readonly #entries = new Map<string, Entry>();
  /** Operations by the document they are about. */
  readonly #byDocument = new Map<string, Set<string>>();
  readonly #released = new Map<string, string>();

  sent(lane: string, op: string, operation: SharedOperation): void {
    this.#entries.set(op, { lane, operation, done: undefined, found: undefined });
    if (operation.kind === "release") this.#released.set(operation.claim, op);
    const name = documentOf(operation);
    if (name === undefined) return;
    const ops = this.#byDocument.get(name) ?? new Set<string>();
    this.#byDocument.set(name, ops.add(op));
  }

  done(op: string, done: Done, violations: string[]): void {
    const entry = this.#entries.get(op);
    if (!entry) violations.push(`${op} was acknowledged and never sent`);
    else entry.done = done;
  }

  check(stored: Stored, violations: string[]): Unknown {
    const unknown: Unknown = { applied: 0, unapplied: 0 };
    for (const collection of ["counters", "big", "registers"]) {
      for (const document of stored[collection]?.documents ?? []) {
        const name = `${collection}/${document._id}`;
        this.#checkTally(name, document, violations, unknown);
      }
    }
    for (const name of this.#byDocument.keys()) {
      const [collection, id] = name.split("/");
      const documents = stored[collection!]?.documents ?? [];
      if (documents.some(({ _id }) => String(_id) === id)) continue;
      this.#checkTally(name, { n: 0, ops: [] }, violations, unknown);
    }
    this.#checkClaims(stored.claims?.documents ?? [], violations, unknown);
    return unknown;
  }

  /** A document that counts up, and notes each number together with who asked for it. */
  #checkTally(
    name: string,
    { n, ops }: { n: number; ops: string[] },
    violations: string[],
    unknown: Unknown,
  ): void {
    const positions = new Map(ops.map((op, at) => [op, at + 1]));
    if (positions.size < ops.length) violations.push(`${name}: an operation was applied twice`);
    if (n !== ops.length) violations.push(`${name}: n is ${n} after ${ops.length} operations`);
    const sent = this.#byDocument.get(name);
    for (const op of ops) {
      if (!sent?.has(op)) violations.push(`${name}: ${op} was never sent`);
    }
    const last = new Map<string, number>();
    for (const op of sent ?? []) {
      const entry = this.#entries.get(op)!;
      const position = positions.get(op);
      this.#checkOne(`${name}: ${op}`, entry, position, ops.length, violations, unknown);
      if (position === undefined) continue;
      // A lane waits for one operation before it sends the next.
      if (position < (last.get(entry.lane) ?? 0)) violations.push(`${name}: ${op} came too late`);
      last.set(entry.lane, position);
    }
  }

  #checkOne(
    what: string,
    entry: Entry,
    position: number | undefined,
    length: number,
    violations: string[],
    unknown: Unknown,
  ): void {
    const { operation, done } = entry;
    const isThere = position !== undefined;
    const seen = operation.kind === "compareAndSet" ? operation.seen : undefined;
    if (isThere && seen !== undefined && position !== seen + 1) {
      violations.push(`${what} was to follow ${seen} and is number ${position}`);
    }
    if (!done) {
      note(what, entry, isThere, violations, unknown);
    } else if (operation.kind === "compareAndSet") {
      const isApplied = done.modified === 1;
      if (isApplied && !isThere) violations.push(`${what} is lost`);
      if (!isApplied && isThere) violations.push(`${what} was refused and is there`);
      if (!isApplied && length <= seen!) violations.push(`${what} was refused without a reason`);
    } else if (!isThere) violations.push(`${what} is lost`);
    else if (done.value !== position) {
      violations.push(`${what} was told ${done.value} and is number ${position}`);
    }
  }

  #checkClaims(
    documents: readonly { _id: string; slot: number }[],
    violations: string[],
    unknown: Unknown,
  ): void {
    const stored = new Map(documents.map((claim) => [claim._id, claim]));
    const holders = new Map<number, string>();
    for (const { _id, slot } of documents) {
      const holder = holders.get(slot);
      if (holder) violations.push(`claims: ${holder} and ${_id} both have ${slot}`);
      holders.set(slot, _id);
      const operation = this.#entries.get(_id)?.operation;
      if (operation?.kind !== "claim" || operation.slot !== slot) {
        violations.push(`claims: ${_id} was never sent`);
      }
    }
    for (const [op, entry] of this.#entries) {
      if (entry.operation.kind !== "claim") continue;
      const what = `claims: ${op}`;
      const isThere = stored.has(op);
      const isRefused = entry.done ? entry.done.inserted === 0 : entry.found === false;
      const release = this.#entries.get(this.#released.get(op) ?? "");
      if (release?.done && release.done.deleted !== 1)
        violations.push(`${what} was released in vain`);
      if (isRefused && isThere) violations.push(`${what} was refused and is there`);
      if (!entry.done && !release) note(what, entry, isThere, violations, unknown);
      else if (isRefused) continue;
      else if (!release && !isThere) violations.push(`${what} is lost`);
      else if (release?.done && isThere) violations.push(`${what} is there after its release`);
      else if (release && !release.done) {
        note(`${what}, its release`, release, !isThere, violations, unknown);
      }
    }
  }
}

/** What has been found once of an operation without an acknowledgement stays so. */
function note(
  what: string,
  entry: Entry,
  isApplied: boolean,
  violations: string[],
  unknown: Unknown,
): void {
  if (entry.found === undefined) unknown[isApplied ? "applied" : "unapplied"] += 1;
  else if (entry.found !== isApplied) {
    violations.push(`${what} was ${entry.found ? "there and is lost" : "applied later"}`);
  }
  entry.found = isApplied;
}

function documentOf(operation: SharedOperation): string | undefined {
  if (operation.kind === "count") return `${operation.collection}/${operation.id}`;
  if (operation.kind === "compareAndSet") return `registers/${operation.id}`;
  return undefined;
}
