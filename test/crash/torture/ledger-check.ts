/**
 * Holds what is stored against the ledgers of all processes: what was acknowledged is there, what was sent and not
 * acknowledged is there once or not at all, and there is nothing else.
 *
 * What a check found of an operation without an acknowledgement holds for all later checks.
 */
import { isDeepStrictEqual } from "node:util";
import {
  applyItems,
  applySchema,
  collectionPrefix,
  type Items,
  indexPrefix,
  initialSchema,
  possibleSchemas,
  type Schema,
} from "./lane-model.js";
import {
  type Done,
  type Item,
  type ItemOperation,
  type LedgerLine,
  type SchemaOperation,
  sharedCollections,
} from "./operations.js";
import { SharedCheck } from "./shared-check.js";

// biome-ignore lint/suspicious/noExplicitAny: documents of any shape
export type Stored = Record<string, { documents: any[]; indexes: string[] }>;

interface Lane {
  items: Items;
  schema: Schema;
  pending: { op: string; operation: ItemOperation | SchemaOperation } | undefined;
}

export class LedgerCheck {
  readonly #lanes = new Map<string, Lane>();
  readonly #laneOf = new Map<string, string>();
  readonly #shared = new SharedCheck();
  readonly #violations: string[] = [];
  acknowledged = 0;
  /** Operations of dead processes that were not acknowledged, and turned out to be applied, or not. */
  appliedUnknown = 0;
  unappliedUnknown = 0;

  /** Takes the next lines of a ledger. */
  add(lines: readonly LedgerLine[]): void {
    for (const line of lines) {
      if ("sent" in line) this.#sent(line);
      else if ("wrong" in line) this.#violations.push(`${line.op}: ${line.wrong}`);
      else this.#done(line.op, line.done);
    }
  }

  /** @returns what is wrong */
  check(stored: Stored): string[] {
    const violations = this.#violations.splice(0);
    this.#checkItems(stored.items?.documents ?? [], violations);
    this.#checkSchema(stored, violations);
    const unknown = this.#shared.check(stored, violations);
    this.appliedUnknown += unknown.applied;
    this.unappliedUnknown += unknown.unapplied;
    return violations;
  }

  #sent({ sent, lane, op }: Extract<LedgerLine, { sent: unknown }>): void {
    if (sent.on === "shared") {
      this.#shared.sent(lane, op, sent);
      return;
    }
    let known = this.#lanes.get(lane);
    if (!known) {
      known = { items: new Map(), schema: initialSchema, pending: undefined };
      this.#lanes.set(lane, known);
    }
    if (known.pending) this.#violations.push(`${op} was sent before ${known.pending.op} had ended`);
    known.pending = { op, operation: sent };
    this.#laneOf.set(op, lane);
  }

  #done(op: string, done: Done): void {
    this.acknowledged += 1;
    const name = this.#laneOf.get(op);
    if (name === undefined) {
      this.#shared.done(op, done, this.#violations);
      return;
    }
    const lane = this.#lanes.get(name)!;
    const { operation } = lane.pending!;
    lane.pending = undefined;
    let expected: Done;
    if (operation.on === "items") {
      const after = applyItems(lane.items, op, operation);
      lane.items = after.items;
      expected = after.done;
    } else {
      const after = applySchema(lane.schema, operation);
      lane.schema = after.schema;
      expected = after.done;
    }
    if (isDeepStrictEqual(done, expected)) return;
    this.#violations.push(
      `${op} was answered with ${show(done)} instead of ${show(expected)}: ${show(operation)}`,
    );
  }

  #checkItems(documents: readonly Item[], violations: string[]): void {
    const byLane = new Map<string, Map<string, Item>>();
    for (const item of documents) {
      const items = byLane.get(item.lane) ?? new Map<string, Item>();
      if (items.has(item._id)) violations.push(`items: ${item._id} is there twice`);
      byLane.set(item.lane, items.set(item._id, item));
    }
    for (const [name, lane] of this.#lanes) {
      const stored = byLane.get(name) ?? new Map<string, Item>();
      byLane.delete(name);
      const { pending } = lane;
      if (pending?.operation.on === "items" && !isDeepStrictEqual(stored, lane.items)) {
        const after = applyItems(lane.items, pending.op, pending.operation).items;
        if (isDeepStrictEqual(stored, after)) {
          lane.items = after;
          lane.pending = undefined;
          this.appliedUnknown += 1;
          continue;
        }
      }
      const differences = itemDifferences(lane.items, stored);
      if (differences.length > 0) {
        const unknown = pending ? `; not acknowledged: ${show(pending)}` : "";
        violations.push(`items of ${name}: ${differences.join("; ")}${unknown}`);
      }
      if (pending?.operation.on === "items") {
        lane.pending = undefined;
        this.unappliedUnknown += 1;
      }
    }
    for (const [name, items] of byLane) {
      violations.push(`items of ${name}, which has sent nothing: ${show([...items.values()])}`);
    }
  }

  /** Collections and indexes of all lanes together are those that are there. */
  #checkSchema(stored: Stored, violations: string[]): void {
    const shared = new Map<string, string[]>();
    const own = new Set<string>(sharedCollections);
    for (const [name, lane] of this.#lanes) {
      const { pending } = lane;
      if (pending?.operation.on === "schema") {
        const possible = possibleSchemas(lane.schema, pending.operation);
        // Later ones first: of an operation without an effect nobody can say whether it was applied.
        const at = possible.findLastIndex((schema) => isStored(schema, name, stored));
        if (at > 0) this.appliedUnknown += 1;
        else this.unappliedUnknown += 1;
        lane.schema = possible[Math.max(at, 0)]!;
        lane.pending = undefined;
      }
      if (!isStored(lane.schema, name, stored)) {
        const seen = Object.fromEntries([...lane.schema.keys()].map((key) => [key, stored[key]]));
        violations.push(
          `collections of ${name} are ${show(seen).slice(0, 2_000)} instead of ${show([...lane.schema]).slice(0, 2_000)}`,
        );
      }
      for (const [collection, known] of lane.schema) {
        if (known.ids) own.add(collection);
        else shared.set(collection, [...(shared.get(collection) ?? []), ...known.indexes]);
      }
    }
    for (const [name, { indexes }] of Object.entries(stored)) {
      if (!own.has(name)) violations.push(`the collection ${name} is there, and nobody made it`);
      const expected = shared.get(name) ?? [];
      const made = indexes.filter((index) => index.startsWith("lane-"));
      if (own.has(name) && name === "big" && !isSameSet(made, expected)) {
        violations.push(`indexes of ${name} are ${show(made)} instead of ${show(expected)}`);
      }
    }
  }
}

/** Whether the collections of a lane are as they should be. */
function isStored(schema: Schema, lane: string, stored: Stored): boolean {
  for (const [name, { ids, indexes }] of schema) {
    const there = stored[name];
    if (!there) return false;
    if (!ids) {
      const made = there.indexes.filter((index) => index.startsWith(indexPrefix(lane)));
      if (!isSameSet(made, indexes)) return false;
      continue;
    }
    const storedIds = there.documents.map(({ _id }) => _id as string);
    if (!isSameSet(storedIds, ids) || !isSameSet(there.indexes, ["_id_", ...indexes])) return false;
  }
  const prefix = collectionPrefix(lane);
  return Object.keys(stored).every((name) => !name.startsWith(prefix) || schema.has(name));
}

function itemDifferences(expected: Items, stored: Items): string[] {
  const differences: string[] = [];
  for (const [id, item] of expected) {
    const there = stored.get(id);
    if (!there) differences.push(`${id} is lost`);
    else if (!isDeepStrictEqual(there, item)) {
      differences.push(`${id} is ${show(there)} instead of ${show(item)}`);
    }
  }
  for (const id of stored.keys())
    if (!expected.has(id)) differences.push(`${id} should not be there`);
  return differences;
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return isDeepStrictEqual([...a].sort(), [...b].sort());
}

function show(value: unknown): string {
  return JSON.stringify(value);
}
