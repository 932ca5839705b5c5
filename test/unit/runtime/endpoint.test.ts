import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { LioranError } from "../../../src/errors.js";
import { socketPathBytesMax } from "../../../src/limits.js";
import { endpointCandidates, prepareEndpoint } from "../../../src/runtime/endpoint.js";

const rootId = "b9f9f2c8-8b33-4a2f-9f6a-2f0f3a1f7c11";
const posixOnly = { skip: process.platform === "win32" };

/** A root, with a temporary folder of its own for the private folders of endpoints. */
function makeRoot(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "ep-"));
  const { TMPDIR } = process.env;
  process.env.TMPDIR = join(root, "tmp");
  mkdirSync(process.env.TMPDIR);
  t.after(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    rmSync(root, { recursive: true, force: true });
  });
  return root;
}

test("the root comes first, the temporary folder second", posixOnly, () => {
  const [inRoot, inTemp] = endpointCandidates("/data/root", rootId, 12);
  assert.equal(inRoot, "/data/root/.lioran-12.sock");
  assert.ok(inTemp.startsWith(tmpdir()), inTemp);
  assert.ok(inTemp.endsWith("-12.sock"), inTemp);
});

test("a candidate is never longer than a socket address, in bytes", posixOnly, () => {
  for (let length = 1; length < 200; length += 1) {
    for (const letter of ["a", "ü", "語"]) {
      const candidates = endpointCandidates(`/${letter.repeat(length)}`, rootId, 123_456);
      assert.ok(candidates.length > 0);
      for (const path of candidates) assert.ok(Buffer.byteLength(path) <= socketPathBytesMax, path);
    }
  }
});

test("the longest root that fits keeps its socket, one byte more does not", posixOnly, () => {
  const nameBytes = "/.lioran-1.sock".length;
  const fits = `/${"r".repeat(socketPathBytesMax - nameBytes - 1)}`;
  assert.equal(dirname(endpointCandidates(fits, rootId, 1)[0]), fits);
  for (const path of endpointCandidates(`${fits}r`, rootId, 1)) {
    assert.notEqual(dirname(path), `${fits}r`);
  }
});

test("roots and epochs do not share an endpoint in the temporary folder", posixOnly, () => {
  const long = `/${"r".repeat(150)}`;
  const endpoints = [
    ...endpointCandidates(long, rootId, 1),
    ...endpointCandidates(long, rootId, 2),
    ...endpointCandidates(`${long}x`, rootId, 1),
    ...endpointCandidates(long, rootId.replace("b", "c"), 1),
  ];
  assert.equal(endpoints.length, 4);
  assert.equal(new Set(endpoints).size, 4);
});

test("what a killed primary left is removed, and nothing else", posixOnly, (t) => {
  const root = makeRoot(t);
  for (const name of [".lioran-1.sock", ".lioran-22.sock", ".lioran.lock", "lioran-3.sock"]) {
    writeFileSync(join(root, name), "");
  }
  prepareEndpoint(root, join(root, ".lioran-23.sock"));
  assert.equal(existsSync(join(root, ".lioran-1.sock")), false);
  assert.equal(existsSync(join(root, ".lioran-22.sock")), false);
  assert.equal(existsSync(join(root, ".lioran.lock")), true);
  assert.equal(existsSync(join(root, "lioran-3.sock")), true);
});

test(
  "a folder with a socket's name does not keep another endpoint from being used",
  posixOnly,
  (t) => {
    const root = makeRoot(t);
    mkdirSync(join(root, ".lioran-1.sock"));
    const [, inTemp] = endpointCandidates(root, rootId, 1);
    prepareEndpoint(root, inTemp);
    assert.ok(statSync(dirname(inTemp)).isDirectory());
  },
);

test("the folder under the temporary folder is for this user only", posixOnly, (t) => {
  const root = makeRoot(t);
  const [, inTemp] = endpointCandidates(root, rootId, 1);
  prepareEndpoint(root, inTemp);
  assert.equal(statSync(dirname(inTemp)).mode & 0o777, 0o700);

  chmodSync(dirname(inTemp), 0o755);
  assert.throws(
    () => prepareEndpoint(root, inTemp),
    (error: unknown) => error instanceof LioranError && error.code === "PERMISSION",
  );
});

test("a root whose path begins like the temporary folder's gets that check too", posixOnly, (t) => {
  const root = join(makeRoot(t), "tmp");
  const [, inTemp] = endpointCandidates(root, rootId, 1);
  assert.ok(inTemp.startsWith(root));
  prepareEndpoint(root, inTemp);
  assert.equal(statSync(dirname(inTemp)).mode & 0o777, 0o700);
});
