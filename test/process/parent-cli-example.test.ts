/** fixtures/examples/parent-cli: children that know nothing but their environment, and their results. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { LioranManager } from "@liorandb/core";
import { compiledTests, deadlineMs, type Process, Site } from "./site.js";

const script = join(dirname(compiledTests), "fixtures/examples/parent-cli.js");

function rows(output: string): string[][] {
  return output
    .trimEnd()
    .split("\n")
    .map((line) => line.trim().split(/ +/));
}

/** The processes that it has started and that still run (Linux only). */
function childrenOf({ pid }: Process): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        // Behind the name: the state, then the parent.
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return Number(parent) === pid && state !== "Z";
      } catch {
        return false;
      }
    })
    .map(Number);
}

test("parent-cli prints what its children have found, without colours", async (t) => {
  const site = new Site(t);
  const parent = site.start("parent", script, { args: ["3", "100000"] });
  assert.deepEqual(await parent.exit(), { code: 0, signal: null }, parent.stderr);
  assert.equal(parent.stderr, "");
  const table = rows(parent.stdout);
  assert.deepEqual(table[0], ["child", "ranges", "primes"]);
  assert.deepEqual(table.at(-1), ["total", "50", "9592"]);
  const perChild = table.slice(1, -1);
  assert.ok(perChild.length >= 1 && perChild.length <= 3);
  assert.equal(
    perChild.reduce((sum, [, count]) => sum + Number(count), 0),
    50,
  );
  assert.ok(!parent.stdout.includes("\x1b"));
  assert.deepEqual(readdirSync(site.folder), [], "it cleans up");
});

test("parent-cli refuses arguments that make no sense", async (t) => {
  const parent = new Site(t).start("parent", script, { args: ["0"] });
  assert.deepEqual(await parent.exit(), { code: 2, signal: null });
  assert.match(parent.stderr, /usage/);
});

/** The tests below look at the collection again and again, not without end. */
const bounded = { timeout: 2 * deadlineMs };
/** Ranges that take long enough for something to happen meanwhile. */
const long = ["2", "6000000"];

/** Waits until a range has been done by a child. */
async function firstDone(parent: Process, rootPath: string): Promise<number> {
  await using manager = new LioranManager({ rootPath, ipc: "client" });
  const ranges = (await manager.db("primes")).collection<{ pid?: number }>("ranges");
  for (;;) {
    const done = await ranges.findOne({ state: "done" });
    if (done) return done.pid!;
    assert.equal(parent.ended, undefined, parent.stderr);
    await nextTurn();
  }
}

test("a child that is killed is replaced, and nothing is missing", bounded, async (t) => {
  const site = new Site(t);
  const parent = site.start("parent", script, { args: long, env: { ROOT: site.rootPath } });
  const pid = await firstDone(parent, site.rootPath);
  process.kill(pid, "SIGKILL");
  assert.deepEqual(await parent.exit(), { code: 0, signal: null }, parent.stderr);
  assert.match(parent.stderr, new RegExp(`child ${pid} has died \\(SIGKILL\\)`));
  assert.deepEqual(rows(parent.stdout).at(-1), ["total", "50", "412849"]);
});

test(
  "Ctrl+C ends parent-cli with all its children, and shows what there is",
  bounded,
  async (t) => {
    const site = new Site(t);
    const parent = site.start("parent", script, { args: long, env: { ROOT: site.rootPath } });
    await firstDone(parent, site.rootPath);
    const children = process.platform === "linux" ? childrenOf(parent) : [];
    parent.kill("SIGINT");
    assert.deepEqual(await parent.exit(), { code: 130, signal: null });
    assert.match(parent.stderr, /^interrupted\n/);
    const [, ranges] = rows(parent.stdout).at(-1)!;
    assert.ok(Number(ranges) >= 1 && Number(ranges) < 50, parent.stdout);
    for (const pid of children) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  },
);
