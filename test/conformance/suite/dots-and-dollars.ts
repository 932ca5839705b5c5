/** Field names with dots, and those that begin with `$`: https://www.mongodb.com/docs/manual/core/dot-dollar-considerations/ */
import type { Collection, Document, ErrorCode } from "@liorandb/core";
import type { Subject } from "../mode.js";
import { type Case, testCases } from "./cases.js";

const kept = { _id: "kept", foo: { b: 1 } };

/** What may be stored as it is. */
const storable: Record<string, Document> = {
  "a dollar in front": { $a: 1 },
  "a dollar in front, inside": { a: { $b: 1, c: [{ $d: 1 }] } },
  "a dot": { "a.b": 1, a: 2 },
  "a dot inside": { a: { "b.c": 1 } },
  "a dot at the ends": { ".a": 1, "b.": 2, "c..d": 3 },
  "names like those of a DBRef": { a: { $ref: "x", $id: 1, $db: "y", extra: 1 } },
  "operators as names": { $set: 1, a: { $gt: 1 } },
};

const whole = (field: string): Document[] => [
  { $replaceWith: { $setField: { field: { $literal: field }, value: 2, input: "$$ROOT" } } },
];
const inside = (field: string): Document[] => [
  { $set: { foo: { $setField: { field: { $literal: field }, value: 2, input: "$foo" } } } },
];

function storing(): Record<string, Case> {
  const cases: Record<string, Case> = {};
  for (const [name, fields] of Object.entries(storable)) {
    const _id = "a";
    const document = { _id, ...fields };
    const after = [document, kept];
    const replacement = { before: [{ _id }, kept] };
    const [dollar] = Object.keys(fields).filter((field) => field.startsWith("$"));
    const fails = dollar === undefined ? {} : { fails: { code: 52 as const, names: [dollar] } };
    const afterReplacing = dollar === undefined ? { after } : {};
    const replaces = (call: (things: Collection) => Promise<unknown>) => ({
      ...replacement,
      call,
      ...fails,
      ...afterReplacing,
    });
    cases[`insertOne: ${name}`] = { before: [kept], call: (c) => c.insertOne(document), after };
    cases[`insertMany: ${name}`] = { before: [kept], call: (c) => c.insertMany([document]), after };
    cases[`bulkWrite: ${name}`] = {
      before: [kept],
      call: (c) => c.bulkWrite([{ insertOne: { document } }]),
      after,
    };
    cases[`replaceOne: ${name}`] = replaces((c) => c.replaceOne({ _id }, fields));
    cases[`findOneAndReplace: ${name}`] = replaces((c) => c.findOneAndReplace({ _id }, fields));
    cases[`bulkWrite replaces: ${name}`] = replaces((c) =>
      c.bulkWrite([{ replaceOne: { filter: { _id }, replacement: fields } }]),
    );
    cases[`$set of the value: ${name}`] = {
      before: [{ _id }, kept],
      call: (c) => c.updateOne({ _id }, { $set: { in: fields } }),
      after: [{ _id, in: fields }, kept],
    };
  }
  return cases;
}

const pipelines: Record<string, Case> = {};
for (const field of ["a.b", "$a", "a.$b"]) {
  const calls: Record<string, (things: Collection, update: Document[]) => Promise<unknown>> = {
    updateOne: (c, update) => c.updateOne({}, update),
    updateMany: (c, update) => c.updateMany({}, update),
    findOneAndUpdate: (c, update) => c.findOneAndUpdate({}, update),
    bulkWrite: (c, update) => c.bulkWrite([{ updateMany: { filter: {}, update } }]),
  };
  for (const [name, call] of Object.entries(calls)) {
    pipelines[`${name}: $setField of ${field}`] = {
      before: [kept],
      call: (c) => call(c, whole(field)),
      after: [{ ...kept, [field]: 2 }],
    };
    pipelines[`${name}: $setField of ${field} inside`] = {
      before: [kept],
      call: (c) => call(c, inside(field)),
      after: [{ ...kept, foo: { b: 1, [field]: 2 } }],
    };
  }
}

const refused: Record<string, [call: (c: Collection) => Promise<unknown>, ErrorCode, string]> = {
  "a dollar in an _id": [(c) => c.insertOne({ _id: { $a: 1 } }), 52, "_id.$a"],
  "a dollar deep in an _id": [(c) => c.insertOne({ _id: { a: { $b: 1 } } }), 52, "_id.a.$b"],
  "$set of a dollar": [(c) => c.updateOne({}, { $set: { $a: 1 } } as Document), 52, "$a"],
  "$set of a dollar inside": [(c) => c.updateOne({}, { $set: { "foo.$a": 1 } }), 52, "$a"],
  "$rename to a dollar": [(c) => c.updateOne({}, { $rename: { foo: "$a" } }), 52, "$a"],
  "a stage $set of a dollar": [(c) => c.updateOne({}, [{ $set: { $a: 1 } }]), 2, "$a"],
  "a stage $project of a dollar": [(c) => c.updateOne({}, [{ $project: { $a: 1 } }]), 2, "$a"],
  "an empty part of a path": [(c) => c.updateOne({}, { $set: { "a..b": 1 } }), 56, "a..b"],
};

export function dotsAndDollarsSuite(subject: Subject): void {
  testCases(subject, "names", storing());
  testCases(subject, "names", pipelines);
  testCases(subject, "names", {
    "a dot in an _id": {
      before: [kept],
      call: (c) => c.insertOne({ _id: { "a.b": 1 } }),
      after: [kept, { _id: { "a.b": 1 } }],
    },
    "a stage removes what has a dot": {
      before: [{ _id: 1, "a.b": 1, c: 2 }],
      call: (c) =>
        c.updateOne({}, [{ $replaceWith: { $unsetField: { field: "a.b", input: "$$ROOT" } } }]),
      after: [{ _id: 1, c: 2 }],
    },
    "an expression finds what has a dollar": {
      before: [{ _id: 1, $a: 5 }],
      call: (c) => c.find({ $expr: { $eq: [{ $getField: { $literal: "$a" } }, 5] } }),
      gives: [{ _id: 1, $a: 5 }],
    },
    "a path goes into objects, not to a name with a dot": {
      before: [{ _id: 1, "a.b": 1, a: { b: 2 } }],
      call: (c) => c.updateOne({ "a.b": 2 }, { $inc: { "a.b": 1 } }),
      after: [{ _id: 1, "a.b": 1, a: { b: 3 } }],
    },
  });
  for (const [name, [call, code, text]] of Object.entries(refused)) {
    testCases(subject, "names refused", {
      [name]: { before: [kept], call, fails: { code, names: [text] } },
    });
  }
}
