import assert from "node:assert/strict";
import { after, test } from "node:test";
import { IndexRun } from "../../../src/dispatch/index-run.js";
import type { CollectionEntry } from "../../../src/storage/catalog.js";
import { documentKey } from "../../../src/storage/collection.js";
import { encodeDocument } from "../../../src/storage/document.js";
import { Environment } from "../../../src/storage/environment.js";
import type { IndexEntryBytes } from "../../../src/storage/index-entries.js";
import { idKey } from "../../../src/storage/key.js";
import { temporaryRoot } from "../../support/temporary-root.js";
import { indexOver } from "../query/plan/index-over.js";

const count = 1_000;
const index = indexOver({ n: -1 }, { state: "building" });
const collection: CollectionEntry = {
  id: 7,
  name: "things",
  createdAtMs: 0,
  options: {},
  indexes: [index],
};

const root = temporaryRoot();
const environment = Environment.open(root.rootPath, "write")!;
environment.commit(() => {
  for (let n = 0; n < count; n += 1) {
    const bytes = encodeDocument({ _id: n, n: (n * 7_919) % count });
    environment.stores.documents.putSync(documentKey(7, idKey(n)), bytes);
  }
}, false);
after(async () => {
  await environment.close();
  root.remove();
});

/** A run over all documents, gathered in pieces as small as they get. */
function gathered(): IndexRun {
  const run = new IndexRun(new Uint8Array(0));
  while (!run.isLast) run.gather(environment, collection, index, 0);
  return run;
}

function taken(run: IndexRun, atMost = Number.POSITIVE_INFINITY): IndexEntryBytes[] {
  const entries: IndexEntryBytes[] = [];
  while (entries.length < atMost) {
    const entry = run.take();
    if (!entry) break;
    entries.push(entry);
  }
  return entries;
}

test("entries come in the order of their keys, however they were gathered", () => {
  const run = gathered();
  assert.equal(run.documents, count);
  assert.deepEqual(Buffer.from(run.lastId), Buffer.from(idKey(count - 1)));
  const entries = taken(run);
  assert.equal(entries.length, count);
  const sorted = [...entries].sort((a, b) => Buffer.compare(a.key, b.key));
  assert.deepEqual(entries, sorted);
});

test("what was taken and not confirmed is taken again, in the same order", () => {
  const all = taken(gathered());
  const run = gathered();
  assert.deepEqual(taken(run, 300), all.slice(0, 300));
  run.confirm();
  assert.deepEqual(taken(run, 200), all.slice(300, 500));
  // The commit has failed: less time in the next one, and then more.
  run.rewind();
  assert.deepEqual(taken(run, 50), all.slice(300, 350));
  run.rewind();
  assert.deepEqual(taken(run, 400), all.slice(300, 700));
  run.confirm();
  assert.deepEqual(taken(run), all.slice(700));
  assert.equal(run.take(), undefined);
});

test("a commit with less than the failed one before it loses no entry", () => {
  const all = taken(gathered());
  const run = gathered();
  taken(run, 300);
  run.rewind();
  assert.deepEqual(taken(run, 50), all.slice(0, 50));
  run.confirm();
  assert.deepEqual(taken(run), all.slice(50));
});
