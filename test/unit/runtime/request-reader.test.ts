import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encode } from "../../../src/cbor/codec.js";
import type { Operation } from "../../../src/dispatch/operation.js";
import { checkMember, checkOperation } from "../../../src/dispatch/validate.js";
import { decodeRequest } from "../../../src/protocol/messages.js";
import { RequestReader } from "../../../src/protocol/request-reader.js";

function newReader(): RequestReader<Operation> {
  return new RequestReader({ whole: checkOperation, member: checkMember });
}

/** What is read of a frame alone. */
function readAlone(body: Uint8Array): unknown {
  const { acknowledged, resent, operation } = decodeRequest(body);
  return { acknowledged, resent, operation: checkOperation(operation) };
}

/** The result or the error, for comparison. */
function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return `${(error as { code: unknown }).code}`;
  }
}

const update = {
  kind: "update",
  db: "app",
  collection: "people",
  durability: "flushed",
  filter: { _id: "x" },
  update: { $inc: { n: 1 } },
  replacement: false,
  multi: false,
  upsert: false,
};
const insert = {
  kind: "insert",
  db: "app",
  collection: "people",
  durability: "flushed",
  count: 1,
  documents: encode({ _id: 1 }),
  ordered: true,
};
const find = { kind: "find", db: "app", collection: "people", filter: { _id: 1 }, limit: 1 };

const changes = fc.dictionary(
  fc.constantFrom(
    ...["db", "collection", "durability", "filter", "update", "multi", "count", "documents"],
    ...["limit", "kind", "another", "__proto", "7"],
  ),
  fc.constantFrom<unknown>(
    ...["app", "people", "another", "flushed", "committed", "a$b", "update", "insert", ""],
    ...[{}, { _id: 2 }, { $set: { a: [1, { b: 2 }] } }, { $inc: { n: 1 } }, [{ $set: { a: 1 } }]],
    ...[0, 1, -1, true, false, null, undefined, new Date(5), encode({ _id: 2 }), 5n],
  ),
  { maxKeys: 2 },
);
const envelopes = fc.record({
  acknowledged: fc.oneof(fc.nat(1_000), fc.constantFrom<unknown>(2 ** 40, -1, "x", 1.5)),
  resent: fc.constantFrom<unknown>(false, false, false, true, "no"),
});
const requests = fc
  .tuple(fc.constantFrom(update, update, insert, find), changes, envelopes)
  .map(([operation, changed, envelope]) => ({
    ...envelope,
    operation: { ...operation, ...changed },
  }));

test("requests one after the other are read as each alone is", () => {
  fc.assert(
    fc.property(fc.array(requests, { maxLength: 40 }), (all) => {
      const reader = newReader();
      for (const request of all) {
        const body = encode(request);
        assert.deepEqual(
          outcome(() => reader.read(body)),
          outcome(() => readAlone(body)),
        );
      }
    }),
    { numRuns: 500 },
  );
});

test("damaged frames between others are refused, and change nothing for the next", () => {
  const body = encode({ acknowledged: 1, resent: false, operation: update });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(body.length - 1), fc.nat(255))), (damages) => {
      const reader = newReader();
      for (const [at, byte] of damages) {
        reader.read(body);
        const damaged = Buffer.from(body);
        damaged[at] = byte;
        assert.deepEqual(
          outcome(() => reader.read(damaged)),
          outcome(() => readAlone(damaged)),
        );
      }
      assert.deepEqual(reader.read(body), readAlone(body));
    }),
    { numRuns: 1_000 },
  );
});

test("what repeats is one object, and what does not is not", () => {
  const reader = newReader();
  const read = (id: number) => {
    const operation = { ...update, filter: { _id: id } };
    const body = encode({ acknowledged: id, resent: false, operation });
    return reader.read(body).operation as Operation & { kind: "update" };
  };
  const first = read(1);
  const second = read(2);
  assert.notEqual(first, second);
  assert.equal(first.update, second.update);
  assert.deepEqual(first.filter, { _id: 1 });
  assert.deepEqual(second.filter, { _id: 2 });
});

test("operations of one kind with other members do not push each other out", () => {
  const reader = newReader();
  const read = (operation: object) => {
    const request = reader.read(encode({ acknowledged: 0, resent: false, operation }));
    return (request.operation as Operation & { kind: "find" }).filter;
  };
  const filter = { _id: { $in: [1, 2] } };
  const limited = { kind: "find", db: "app", collection: "people", filter, limit: 1 };
  const sorted = { kind: "find", db: "app", collection: "people", filter, sort: [["a", 1]] };
  const filters = [read(limited), read(sorted)];
  for (let i = 0; i < 3; i += 1) {
    assert.equal(read(limited), filters[0]);
    assert.equal(read(sorted), filters[1]);
  }
});

test("a number whose header is longer than needed is refused as it is elsewhere", () => {
  const reader = newReader();
  const body = encode({ acknowledged: 5, resent: false, operation: update });
  reader.read(body);
  const at = Buffer.from(body).indexOf("resent") - 2;
  assert.equal(body[at], 5);
  const longer = Buffer.concat([
    body.subarray(0, at),
    Buffer.from([0x18, 5]),
    body.subarray(at + 1),
  ]);
  assert.throws(() => decodeRequest(longer), { code: "PROTOCOL" });
  assert.throws(() => reader.read(longer), { code: "PROTOCOL" });
});

test("a value that is refused is not taken for one that has passed", () => {
  const reader = newReader();
  const body = (changed: object) =>
    encode({ acknowledged: 0, resent: false, operation: { ...update, ...changed } });
  reader.read(body({}));
  for (let i = 0; i < 3; i += 1) {
    assert.throws(() => reader.read(body({ durability: "none" })), { code: "PROTOCOL" });
    assert.throws(() => reader.read(body({ collection: "a$b" })), { code: 73 });
    assert.deepEqual(reader.read(body({})).operation, update);
  }
});

test("a frame with something behind its operation is refused", () => {
  const reader = newReader();
  const body = encode({ acknowledged: 0, resent: false, operation: update });
  reader.read(body);
  assert.throws(() => reader.read(Buffer.concat([body, Buffer.from([0])])), { code: "PROTOCOL" });
});
