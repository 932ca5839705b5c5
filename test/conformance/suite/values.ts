import assert from "node:assert/strict";
import type { Document } from "@liorandb/core";
import type { Subject } from "../mode.js";

const values: [what: string, value: unknown][] = [
  ["null", null],
  ["true", true],
  ["false", false],
  ["zero", 0],
  ["integer", 42],
  ["large integer", Number.MAX_SAFE_INTEGER],
  ["fraction", -0.1],
  ["smallest", Number.MIN_VALUE],
  ["largest", Number.MAX_VALUE],
  ["infinity", Number.NEGATIVE_INFINITY],
  ["not a number", Number.NaN],
  ["bigint", 1n],
  ["largest bigint", 2n ** 63n - 1n],
  ["smallest bigint", -(2n ** 63n)],
  ["empty string", ""],
  ["string", "Grüße, 世界 🙂\0"],
  ["long string", "é".repeat(5_000)],
  ["date", new Date("2024-02-29T12:34:56.789Z")],
  ["date before 1970", new Date(-1)],
  ["latest date", new Date(8.64e15)],
  ["regular expression", /^a.*b$/imsu],
  ["empty array", []],
  ["array", [1, [2, [null]], { a: 1n }]],
  ["empty object", {}],
  ["object", { a: { b: { c: [new Date(0), /x/g, "y"] } }, "0": 1 }],
];

export function valuesSuite(subject: Subject): void {
  subject.test("every kind of value comes back as it was", async () => {
    const documents = values.map(([_id, value]) => ({ _id, value, inner: { list: [value] } }));
    const collection = await subject.seeded(documents);
    for (const document of documents) {
      assert.deepEqual(await collection.findOne({ _id: document._id }), document);
    }
    const found = await collection.find().sort({ _id: 1 }).toArray();
    const byId = (a: Document, b: Document) => (String(a._id) < String(b._id) ? -1 : 1);
    assert.deepEqual(found, [...documents].sort(byId));
  });

  subject.test("bytes come back as bytes, however they were given", async () => {
    const bytes = Uint8Array.of(0, 1, 254, 255);
    const collection = await subject.seeded([
      { _id: 1, value: bytes },
      { _id: 2, value: Buffer.from(bytes) },
      { _id: 3, value: Buffer.from([9, ...bytes, 9]).subarray(1, 5) },
      { _id: 4, value: Buffer.alloc(100_000, 7) },
    ]);
    const found = await collection.find().toArray();
    const lengths = found.map(({ value }) => (value as Uint8Array).length);
    assert.ok(found.every(({ value }) => value instanceof Uint8Array));
    assert.deepEqual(lengths, [4, 4, 4, 100_000]);
    for (const { value } of found.slice(0, 3)) {
      assert.deepEqual([...(value as Uint8Array)], [...bytes]);
    }
  });

  subject.test("results are the caller's own: changing them changes nothing", async () => {
    const collection = await subject.seeded([{ _id: 1, list: [1], bytes: Buffer.from("ab") }]);
    const first = (await collection.findOne({ _id: 1 })) as Document;
    (first.list as number[]).push(2);
    (first.bytes as Uint8Array).fill(0);
    first.added = true;
    const again = (await collection.findOne({ _id: 1 }))!;
    assert.deepEqual(again.list, [1]);
    assert.equal(Buffer.from(again.bytes as Uint8Array).toString(), "ab");
    assert.equal("added" in again, false);
  });

  subject.test("negative zero is stored as zero", async () => {
    const collection = await subject.seeded([{ _id: 1, value: -0 }]);
    assert.ok(Object.is((await collection.findOne({ _id: 1 }))!.value, 0));
  });

  subject.test("documents of many different shapes keep their fields", async () => {
    const documents = Array.from({ length: 300 }, (_, _id) => ({
      _id,
      [`f${_id % 7}`]: _id,
      ...(_id % 2 === 0 && { even: true, [`only${_id}`]: null }),
      tail: { [`g${_id % 11}`]: [_id] },
    }));
    const collection = await subject.seeded(documents);
    assert.deepEqual(await collection.find().sort({ _id: 1 }).toArray(), documents);
  });
}
