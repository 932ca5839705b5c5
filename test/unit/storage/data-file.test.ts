/** What is seen of a damaged `data.mdb` before LMDB maps it, which would end the process. */
import assert from "node:assert/strict";
import {
  closeSync,
  cpSync,
  ftruncateSync,
  openSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { LioranError } from "../../../src/errors.js";
import { checkDataFile } from "../../../src/storage/data-file.js";
import { Environment } from "../../../src/storage/environment.js";
import { Random } from "../../support/soak.js";
import { type TemporaryRoot, temporaryRoot } from "../../support/temporary-root.js";

const pageBytes = 4096;
const lastPageAt = 144;

let root: TemporaryRoot;
let original: string;

before(async () => {
  root = temporaryRoot();
  original = join(root.rootPath, "app");
  await fill(original, 12, () => {});
});
after(() => root.remove());

/** Writes and removes records of all sizes, so that pages are used, freed and used again. */
async function fill(folder: string, commits: number, afterCommit: () => void): Promise<void> {
  const environment = Environment.open(folder, "write")!;
  const { documents, indexes } = environment.stores;
  const random = new Random(commits);
  for (let commit = 0; commit < commits; commit += 1) {
    environment.commit(
      () => {
        for (let n = 0; n < 100; n += 1) {
          const key = Buffer.from(`key ${random.below(400)}`);
          const store = random.below(2) ? documents : indexes;
          if (random.below(3) === 0) store.removeSync(key);
          else store.putSync(key, Buffer.alloc(random.pick([10, 300, 3_000, 9_000, 40_000]), "x"));
        }
      },
      commit % 8 === 0,
    );
    afterCommit();
  }
  await environment.close();
}

/** A copy of the database with a changed file. */
function spoiled(name: string, change: (fd: number) => void): string {
  const folder = join(root.rootPath, name);
  cpSync(original, folder, { recursive: true });
  const fd = openSync(join(folder, "data.mdb"), "r+");
  change(fd);
  closeSync(fd);
  return folder;
}

function isRefused(folder: string, why: RegExp): void {
  assert.throws(
    () => checkDataFile(folder),
    (error: unknown) => {
      assert.ok(error instanceof LioranError && error.code === "CORRUPTED", String(error));
      assert.ok(error.message.includes(join(folder, "data.mdb")), error.message);
      assert.match(error.message, why);
      return true;
    },
  );
}

function patch(at: number, bytes: Buffer): (fd: number) => void {
  return (fd) => void writeSync(fd, bytes, 0, bytes.length, at);
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

test("a database in use is never refused, whatever was just committed", async () => {
  const folder = join(root.rootPath, "used");
  let checks = 0;
  await fill(folder, 60, () => {
    checkDataFile(folder);
    checks += 1;
  });
  checkDataFile(folder);
  assert.equal(checks, 60);
});

test("a data file that is cut where it is in use was a SIGBUS of whoever read it", () => {
  const { size } = statSync(join(original, "data.mdb"));
  const folder = spoiled("cut", () => {});
  let refused = 0;
  // It gets shorter page by page.
  for (let pages = size / pageBytes - 1; pages > 2; pages -= 1) {
    truncateSync(join(folder, "data.mdb"), pages * pageBytes);
    try {
      checkDataFile(folder);
    } catch (error) {
      refused += 1;
      assert.match(String(error), /it ends after \d+ bytes, before page \d+, which is in use/);
    }
  }
  // Some pages at the end may be free.
  assert.ok(refused > (size / pageBytes) * 0.5, `${refused} of ${size / pageBytes}`);
});

test("a file that ends before pages which nobody uses is whole", () => {
  const { size } = statSync(join(original, "data.mdb"));
  const pages = uint64(size / pageBytes + 10);
  const folder = spoiled("unused", (fd) => {
    patch(lastPageAt, pages)(fd);
    patch(pageBytes + lastPageAt, pages)(fd);
  });
  checkDataFile(folder);
});

const damages: [what: string, why: RegExp, change: (fd: number) => void][] = [
  ["an empty file", /only 0 bytes/, (fd) => ftruncateSync(fd, 0)],
  ["half a page", /only 100 bytes/, (fd) => ftruncateSync(fd, 100)],
  ["one page", /ends before its second page/, (fd) => ftruncateSync(fd, pageBytes)],
  ["another magic number", /page 0 is none of LMDB's/, patch(24, Buffer.of(0))],
  ["a second page of zeros", /page 1 is none of LMDB's/, patch(pageBytes, Buffer.alloc(pageBytes))],
  ["another version of LMDB", /version 9/, patch(28, Buffer.of(9))],
  ["pages of no size", /pages have 0 bytes/, patch(48, Buffer.alloc(4))],
  ["pages of 3 bytes", /pages have 3 bytes/, patch(48, Buffer.of(3, 0, 0, 0))],
  ["pages of 8 KiB", /none of LMDB's|differ/, patch(48, Buffer.of(0, 0x20, 0, 0))],
  ["a commit on the wrong page", /on the other one/, patch(152, uint64(99))],
  ["no pages", /last page is 0/, patch(lastPageAt, uint64(0))],
  ["pages without end", /last page is/, patch(lastPageAt, Buffer.alloc(8, 0xff))],
  ["a root behind the last page", /leads to page 4000000/, patch(136, uint64(4_000_000))],
  ["a root at a first page", /leads to page 1/, patch(88, uint64(1))],
  ["a tree without end", /300 levels/, patch(102, Buffer.of(300 & 0xff, 300 >> 8))],
];

for (const [what, why, change] of damages) {
  test(`refused before LMDB maps it: ${what}`, () => {
    isRefused(spoiled(what.replaceAll(" ", "-"), change), why);
  });
}
