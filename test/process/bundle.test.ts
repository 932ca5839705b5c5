/** The bundle has a copy of lmdb-js that loads less of it, and loads cbor-x late (.ci/bundle.mjs). */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { prebuiltAddon } from "../../src/storage/lmdb-bundle/addon.js";
import { lmdbFolder, requireFromLmdb } from "../../src/storage/lmdb-bundle/package.js";
import { compiledTests, Site } from "./site.js";

interface Results {
  ours: { plain: unknown; loaded: string[]; dated: unknown };
  theirs: { range: unknown; value: unknown };
}

const script = join(compiledTests, "process/children/beside-lmdb.js");
const finder = requireFromLmdb("node-gyp-build-optional-packages") as {
  path(folder: string): string;
};
const at = new Date(86_400_000).toJSON();
/** What neither opening a root nor reading a document needs. */
const late = /msgpackr|detect-libc|node-gyp-build|[\\/]cbor-x/;

async function run(site: Site, order: string): Promise<Results> {
  const folder = join(site.rootPath, "..", "theirs");
  const child = site.start(order, script, { args: [site.rootPath, folder, order] });
  assert.deepEqual(await child.exit(), { code: 0, signal: null }, child.stderr);
  assert.equal(child.stderr, "");
  return JSON.parse(child.stdout) as Results;
}

for (const order of ["ours,theirs", "theirs,ours"]) {
  test(`a program may use lmdb-js itself, on the same thread: ${order}`, async (t) => {
    const { ours, theirs } = await run(new Site(t), order);
    assert.deepEqual(ours.plain, { _id: "a", n: 1 });
    assert.deepEqual(ours.dated, [{ _id: "a", n: 1, at }]);
    assert.deepEqual(theirs.range, [
      ["k", 1],
      ["k", 2],
    ]);
    const text = "compressed ".repeat(500);
    assert.deepEqual(theirs.value, { at, text, list: [1, "two", null] });
  });
}

test("what a short-lived process does not need is not loaded", async (t) => {
  const { ours } = await run(new Site(t), "ours,theirs");
  assert.ok(
    ours.loaded.some((path) => /[\\/]lib[\\/]lmdb\.cjs$/.test(path)),
    String(ours.loaded),
  );
  const needless = ours.loaded.filter((path) => late.test(path));
  // Where lmdb-js's own finder looks for the addon, that one is loaded.
  if (prebuiltAddon() !== undefined) assert.deepEqual(needless, []);
});

test("the addon is the one that lmdb-js finds itself", () => {
  const found = prebuiltAddon();
  if (found !== undefined) assert.equal(found, finder.path(lmdbFolder));
  // The finder is asked where somebody says which C library this is.
  const { LIBC } = process.env;
  process.env.LIBC = "glibc";
  try {
    assert.equal(prebuiltAddon(), undefined);
  } finally {
    if (LIBC === undefined) delete process.env.LIBC;
    else process.env.LIBC = LIBC;
  }
});
