import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, test } from "node:test";
import {
  documentKey,
  getDocument,
  type IdKeyRange,
  scanDocuments,
} from "../../../src/storage/collection.js";
import { decodeDocument, encodeDocument } from "../../../src/storage/document.js";
import { Environment } from "../../../src/storage/environment.js";
import { encodeKey, idKey } from "../../../src/storage/key.js";
import { RangeScanner, scanCollection } from "../../../src/storage/range-scanner.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const collectionId = 7;
const count = 300;
/** Every tenth document is large enough for overflow pages; one is larger than all others together. */
const documents = Array.from({ length: count }, (_, n) => ({
  _id: n,
  text: "x".repeat(n % 10 === 5 ? 9_000 + n : n),
  ...(n === 150 && { large: Buffer.alloc(3_000_000, n) }),
}));

const root = temporaryRoot();
fill();
const environment = Environment.open(root.rootPath, "read")!;
after(async () => {
  await environment.close();
  root.remove();
});

function fill(): void {
  const writing = Environment.open(root.rootPath, "write")!;
  writing.commit(() => {
    for (const document of documents) put(writing, collectionId, document);
    // Neighbours that no scan of the collection may run into.
    for (const id of [6, 8]) put(writing, id, { _id: 1 });
    for (let n = 0; n < count; n++) {
      const value = Buffer.alloc(n % 3, n);
      writing.stores.indexes.putSync(Buffer.from(`entry ${String(n).padStart(4, "0")}`), value);
    }
  }, false);
  writing.close();
}

function put(to: Environment, id: number, document: { _id: number }): void {
  to.stores.documents.putSync(documentKey(id, idKey(document._id)), encodeDocument(document));
}

/** An entry in short, so that a difference can be printed. */
function digest(key: Uint8Array, value: Uint8Array): string {
  const hash = createHash("sha1").update(value).digest("hex");
  return `${Buffer.from(key).toString("hex")} ${value.length} ${hash}`;
}

function entriesOf(scanner: RangeScanner): string[] {
  const entries: string[] = [];
  while (scanner.next()) entries.push(digest(scanner.key(), scanner.value()));
  scanner.close();
  return entries;
}

const bound = (value: number, inclusive: boolean) => ({ key: encodeKey(value), inclusive });
const ranges: [name: string, range: IdKeyRange][] = [
  ["everything", {}],
  ["a closed range", { lower: bound(10, true), upper: bound(200, true) }],
  ["an open range", { lower: bound(10, false), upper: bound(200, false) }],
  ["a range between keys", { lower: bound(9.5, true), upper: bound(12.5, false) }],
  ["an open end", { lower: bound(290, true) }],
  ["an empty range", { lower: bound(5, false), upper: bound(5, false) }],
  ["a range behind the last key", { lower: bound(1_000, true) }],
];
for (const [name, range] of ranges) {
  for (const reverse of [false, true]) {
    test(`${name}, ${reverse ? "backward" : "forward"}, is scanned as it is copied`, () => {
      using snapshot = closing(environment);
      const copied = Array.from(
        scanDocuments(environment, collectionId, range, reverse, snapshot.open),
        ({ idKey, bytes }) => digest(idKey, bytes),
      );
      const scanned = scanCollection(environment, collectionId, range, reverse, snapshot.open);
      assert.deepEqual(entriesOf(scanned), copied);
    });
  }
}

function closing(of: Environment) {
  const open = of.openSnapshot();
  return { open, [Symbol.dispose]: () => open.close() };
}

test("entries lie in the scanner's bytes, with their length", () => {
  using snapshot = closing(environment);
  const scanner = scanCollection(environment, collectionId, {}, false, snapshot.open);
  for (const document of documents) {
    assert.ok(scanner.next());
    const expected = encodeDocument(document);
    assert.ok(
      expected.equals(scanner.bytes.subarray(0, scanner.length)),
      `document ${document._id}`,
    );
  }
  assert.equal(scanner.next(), false);
  assert.equal(scanner.next(), false);
  scanner.close();
});

test("other reads between two steps do not disturb a scan", () => {
  using snapshot = closing(environment);
  const scanner = scanCollection(environment, collectionId, {}, false, snapshot.open);
  const { indexes } = environment.stores;
  for (const [n, document] of documents.entries()) {
    assert.ok(scanner.next());
    assert.deepEqual(new Uint8Array(scanner.key()), idKey(n));
    assert.ok(encodeDocument(document).equals(scanner.value()));
    environment.refresh();
    assert.ok(indexes.getBinaryFast(Buffer.from("entry 0007"), environment.latest));
    if (n === 20) assert.ok(getDocument(environment, collectionId, idKey(150), snapshot.open));
    environment.release();
  }
  assert.equal(scanner.next(), false);
});

test("two scans go on side by side, over documents and over index entries", () => {
  using snapshot = closing(environment);
  const range = {
    start: Buffer.from("entry"),
    end: Buffer.from("entrz"),
    ...snapshot.open.options,
  };
  const entries = new RangeScanner(environment.stores.indexes, range, "entry ".length);
  const scanner = scanCollection(environment, collectionId, {}, true, snapshot.open);
  for (let n = 0; n < count; n++) {
    assert.ok(scanner.next());
    assert.equal(decodeDocument(scanner.bytes, scanner.length)._id, count - 1 - n);
    assert.ok(entries.next());
    assert.equal(Buffer.from(entries.key()).toString(), String(n).padStart(4, "0"));
    assert.deepEqual(Buffer.from(entries.value()), Buffer.alloc(n % 3, n));
    assert.throws(() => scanner.key(), /the key is read before the next entry/);
  }
  scanner.close();
  entries.close();
});

test("a scan outside a snapshot sees the latest commit", () => {
  environment.refresh();
  const scanned = entriesOf(scanCollection(environment, collectionId, {}, false));
  environment.release();
  assert.equal(scanned.length, count);
});

test("a scanner that is closed early gives its snapshot up", () => {
  const snapshot = environment.openSnapshot();
  const scanner = scanCollection(environment, collectionId, {}, false, snapshot);
  assert.ok(scanner.next());
  scanner.close();
  scanner.close();
  assert.equal(scanner.next(), false);
  snapshot.close();
});

test("a scan inside a write transaction sees its writes, also those made on the way", async () => {
  using own = temporaryRoot();
  const writing = Environment.open(own.rootPath, "write")!;
  writing.commit(() => {
    for (let n = 0; n < 100; n += 2) put(writing, 1, { _id: n });
    const seen: unknown[] = [];
    const scanner = scanCollection(writing, 1, {}, false);
    while (scanner.next()) {
      const { _id } = decodeDocument(scanner.bytes, scanner.length);
      seen.push(_id);
      if ((_id as number) % 2 === 0) put(writing, 1, { _id: (_id as number) + 1 });
    }
    scanner.close();
    assert.deepEqual(
      seen,
      Array.from({ length: 100 }, (_, n) => n),
    );
  }, false);
  await writing.close();
});
