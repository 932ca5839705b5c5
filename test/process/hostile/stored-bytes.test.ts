/**
 * Damaged files of a root. What is opened gives right data, or an error that says that the database is damaged and names
 * the file; another database of the root stays usable. LMDB has no checksums and trusts its pages, so behind a good file
 * length and good meta pages two more outcomes are left, and counted: other data, and LMDB ending the process.
 */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Document, LioranManager } from "../../../src/index.js";
import { progress, Random, scaled, seed } from "../../support/soak.js";
import { Site } from "../site.js";
import { type DamageKind, damageFile } from "./damage.js";
import { type Examination, Examiner } from "./examiner.js";

/** Steps whose documents come as bytes from another thread. */
const callerDecodes = new Set(["scan", "filteredScan", "indexRead"]);
/** Examinations by one process: its roots are removed with it. */
const perProcess = 40;

interface Expectation {
  /** Files of the root that are damaged, and how often. */
  files: readonly string[];
  kinds: readonly DamageKind[];
  cases: number;
  /** LMDB may end the process, and other data may be read. */
  isBehindLmdb: boolean;
}

const expectations: Record<string, Expectation> = {
  "a data file that is cut or longer": {
    files: ["app/data.mdb"],
    kinds: ["truncated", "lostTail", "extended"],
    cases: scaled(3, 1_000),
    isBehindLmdb: false,
  },
  "a data file with damaged pages": {
    files: ["app/data.mdb"],
    kinds: [
      "flippedBits",
      "flippedMetaBit",
      "flippedHeaderBit",
      "overwritten",
      "zeroed",
      "swapped",
    ],
    cases: scaled(6, 2_000),
    isBehindLmdb: true,
  },
  "other files of a root": {
    files: ["app/lock.mdb", ".lioran.lock", "app/format.json"],
    kinds: ["flippedBits", "overwritten", "zeroed", "truncated", "extended"],
    cases: scaled(3, 400),
    isBehindLmdb: false,
  },
};

test(`damaged files give right data, or an error that names the file (seed ${seed})`, async (t) => {
  const site = new Site(t);
  const original = join(site.folder, "original");
  await makeRoot(original);
  const random = new Random(seed);
  let examiner = new Examiner(site);
  const right = await examiner.examine(call(copyOf(original, site, "right")));
  assert.ok(right.outcomes.length > 15, JSON.stringify(right));
  for (const { step, error } of right.outcomes) assert.equal(error, undefined, step);
  for (const [what, expectation] of Object.entries(expectations)) {
    const { kinds, files, cases } = expectation;
    const counts: Record<string, number> = {};
    for (let n = 0; n < cases; n += 1) {
      const kind = kinds[n % kinds.length]!;
      const file = files[n % files.length]!;
      const rootPath = copyOf(original, site, `${n}`);
      const how = damageFile(join(rootPath, file), kind, random);
      // With a pool what is read goes another way.
      const found = await examiner.examine({ ...call(rootPath), cores: n % 4 === 3 ? 1 : 0 });
      const outcome = judge(found, right, expectation, `${n}: ${file} ${kind} ${how}`);
      counts[`${kind}: ${outcome}`] = (counts[`${kind}: ${outcome}`] ?? 0) + 1;
      if (n % perProcess !== perProcess - 1 && n < cases - 1) continue;
      await examiner.end();
      examiner = new Examiner(site);
      rmSync(site.rootPath, { recursive: true });
      progress(`${what}: ${n + 1} of ${cases}: ${JSON.stringify(counts)}`);
    }
    t.diagnostic(`${what}: ${JSON.stringify(Object.fromEntries(Object.entries(counts).sort()))}`);
  }
});

function call(rootPath: string) {
  return { rootPath, ipc: "auto", cores: 0 } as const;
}

function copyOf(original: string, site: Site, name: string): string {
  const rootPath = join(site.rootPath, name);
  mkdirSync(site.rootPath, { recursive: true });
  cpSync(original, rootPath, { recursive: true });
  return rootPath;
}

/** What came of it, in a word. @throws AssertionError when that must not be */
function judge(found: Examination, right: Examination, allowed: Expectation, what: string): string {
  assert.equal(found.hung, undefined, `${what}: it does not come to an end`);
  if (found.died) {
    const { step, how, stderr } = found.died;
    assert.ok(allowed.isBehindLmdb, `${what}: ${how} in ${step}\n${stderr}`);
    return `LMDB ended the process (${how})`;
  }
  let outcome = "right";
  for (const [at, { step, value, error }] of found.outcomes.entries()) {
    if (error) {
      const where = `${what}: ${step}: ${error.code} ${error.message}\n${error.stack}`;
      assert.notEqual(step, "open", where);
      assert.notEqual(step, "other", where);
      // A write after LMDB has given up its transaction.
      const codes = ["CORRUPTED", "NEWER_FORMAT", ...(allowed.isBehindLmdb ? ["IO"] : [])];
      // What is written may meet what was read wrongly.
      if (allowed.isBehindLmdb) codes.push("11000", "26", "85");
      assert.ok(codes.includes(error.code), where);
      // A document of which only the caller looks at what is in it: it has no file any more.
      const isPlaced = /data\.mdb|format\.json/.test(error.message);
      if (error.code === "CORRUPTED") assert.ok(isPlaced || callerDecodes.has(step), where);
      if (outcome === "right") outcome = "reported";
    } else if (JSON.stringify(value) !== JSON.stringify(right.outcomes[at]!.value)) {
      assert.ok(
        allowed.isBehindLmdb || found.outcomes.some((one) => one.error),
        `${what}: ${step} gave ${JSON.stringify(value)?.slice(0, 300)}`,
      );
      outcome = "other data";
    }
  }
  return outcome;
}

async function makeRoot(rootPath: string): Promise<void> {
  const manager = new LioranManager({ rootPath, cores: 0 });
  const things = (await manager.db("app")).collection("things");
  const documents: Document[] = [];
  for (let n = 0; n < 600; n += 1) {
    const inner = { tag: `t${n % 10}`, at: new Date(n * 1e6), list: [n, `${n}`, null] };
    documents.push({ _id: n, n: n % 9, u: `u${n}`, text: `text ${n} `.repeat(n % 12), inner });
  }
  for (let n = 0; n < 6; n += 1) {
    documents.push({ _id: `big ${n}`, n: 3, u: `big ${n}`, text: `${n}`.repeat(9_000) });
  }
  await things.insertMany(documents);
  await things.createIndex({ n: 1 });
  await things.createIndex({ u: 1 }, { unique: true });
  await things.updateMany({ n: 4 }, { $set: { changed: true } });
  const module = new URL("../jobs/modules/collects.js", import.meta.url);
  await things.parallel(module, { isolation: "thread", concurrency: 1, jobId: "kept" });
  await (await manager.db("other")).collection("others").insertOne({ _id: 1 });
  await manager.close();
}
