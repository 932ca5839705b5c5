/** Tests as data: documents, a call, what it gives, and the documents afterwards. */
import assert from "node:assert/strict";
import type { Collection, Document, ErrorCode } from "@liorandb/core";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

export interface Case {
  /** Default: {@link threeDocuments}. */
  before?: Document[];
  call: (things: Collection) => PromiseLike<unknown>;
  /** What the call resolves to. Not given: anything. */
  gives?: unknown;
  /** How the call rejects instead. */
  fails?: {
    code: ErrorCode;
    names?: readonly string[];
    result?: object;
    /** Position and code of each failed write. */
    writeErrors?: [index: number, code: ErrorCode][];
  };
  /** The documents afterwards, by `_id`. Default: those of before. */
  after?: Document[];
}

export const threeDocuments = [
  { _id: 1, x: 11 },
  { _id: 2, x: 22 },
  { _id: 3, x: 33 },
];

/** Registers a test for each case, named `<group>: <case>`. */
export function testCases(subject: Subject, group: string, cases: Record<string, Case>): void {
  for (const [name, one] of Object.entries(cases)) {
    subject.test(`${group}: ${name}`, () => runCase(subject, one));
  }
}

async function runCase(subject: Subject, { call, gives, fails, ...documents }: Case) {
  const { before = threeDocuments, after = before } = documents;
  const things =
    before.length > 0 ? await subject.seeded(structuredClone(before)) : await subject.collection();
  if (fails) {
    const error = await rejection(() => call(things), fails);
    if (fails.result) assert.deepEqual(error.result, fails.result);
    const failed = error.writeErrors?.map(({ index, code }) => [index, code]);
    assert.deepEqual(failed, fails.writeErrors);
  } else {
    const result = await call(things);
    if (gives !== undefined) assert.deepEqual(result, gives);
  }
  assert.deepEqual(await things.find().sort({ _id: 1 }).toArray(), after);
}

/** The result of an update. */
export function updated(matchedCount: number, modifiedCount = matchedCount): object {
  return {
    acknowledged: true,
    matchedCount,
    modifiedCount,
    upsertedCount: 0,
    upsertedId: null,
  };
}

/** The result of an update that inserted a document. */
export function upserted(upsertedId: unknown): object {
  return { ...updated(0), upsertedCount: 1, upsertedId };
}

/** The result of a bulk write: zeros but for what is given. */
export function bulkResult(counts: object): object {
  return {
    insertedCount: 0,
    matchedCount: 0,
    modifiedCount: 0,
    deletedCount: 0,
    upsertedCount: 0,
    insertedIds: {},
    upsertedIds: {},
    ...counts,
  };
}
