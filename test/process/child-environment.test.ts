/** Children that are given nothing but the environment join the root of their parent. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type IpcMode, LioranManager } from "@liorandb/core";
import { compiledTests, type Process, Site } from "./site.js";

const script = join(compiledTests, "process/children/environment-main.js");
const inOrder = { code: 0, signal: null };

interface Told {
  rootPath: string;
  roles: { primary: boolean; client: boolean; readonly: boolean };
  written: string;
  env: Record<string, string>;
}

function told<T = Told>(child: Process, n = 0): Promise<T> {
  return child.until(`message number ${n}`, () => child.messages[n] as T | undefined);
}

for (const name of [
  "with some spaces",
  "..a.dotted. .root..",
  "wurzel-äß-根-🌱",
  'quo\'te "$HOME" %x%',
]) {
  test(`a child joins a root named ${name}`, async (t) => {
    const site = new Site(t);
    const rootPath = join(site.folder, name);
    await using parent = new LioranManager({ rootPath });
    const things = (await parent.db("app")).collection("things");
    // The root of the parent, wherever the child runs and whatever else it inherits.
    const env = { ...parent.env(), LIORANDB_PATH: join(site.folder, "other") };
    const child = site.start("child", script, { env, cwd: "/" });
    const { rootPath: seen, roles, written } = await told(child);
    assert.equal(seen, rootPath);
    assert.deepEqual(roles, { primary: false, client: true, readonly: false });
    assert.equal(written, "written");
    assert.deepEqual(await child.exit(), inOrder, child.stderr);
    assert.deepEqual(
      (await things.find().toArray()).map(({ by }) => by),
      ["child"],
    );
  });
}

const modes: [parent: IpcMode | undefined, handedDown: string][] = [
  [undefined, "auto"],
  ["primary", "client"],
  ["client", "client"],
  ["readonly", "readonly"],
];

for (const [ipc, handedDown] of modes) {
  test(`the child of a parent with ipc ${ipc ?? "auto"} joins as ${handedDown}`, async (t) => {
    const site = new Site(t);
    const { rootPath } = site;
    // Somebody has to be the primary.
    await using owner =
      ipc === undefined || ipc === "primary" ? null : new LioranManager({ rootPath });
    await owner?.db("app");
    await using parent = new LioranManager({ rootPath, ipc });
    await parent.db("app");
    const child = site.start("child", script, { env: parent.env() });
    const { roles, written, env } = await told(child);
    const isReadOnly = handedDown === "readonly";
    assert.deepEqual(roles, { primary: false, client: !isReadOnly, readonly: isReadOnly });
    assert.equal(written, isReadOnly ? "READ_ONLY" : "written");
    assert.deepEqual(
      env,
      { LIORAN_ROOT: rootPath, LIORAN_IPC: handedDown },
      "for its own children",
    );
    assert.deepEqual(await child.exit(), inOrder, child.stderr);
  });
}

test("a child of an auto parent takes over when its parent goes", async (t) => {
  const site = new Site(t);
  const parent = new LioranManager({ rootPath: site.rootPath });
  await parent.db("app");
  const child = site.start("child", script, { env: { ...parent.env(), WAIT_FOR_ROLE: "1" } });
  assert.equal((await told(child)).roles.client, true);
  await parent.close();
  const after = await told<{ from: string; to: string; count: number }>(child, 1);
  assert.deepEqual(after, { from: "client", to: "primary", count: 2 });
  assert.deepEqual(await child.exit(), inOrder, child.stderr);
});

test("a process without the variables says which one is missing, and ends", async (t) => {
  const site = new Site(t);
  const stray = site.start("stray", script);
  assert.deepEqual(await stray.exit(), { code: 1, signal: null });
  assert.match(stray.stderr, /INVALID_OPTION/);
  assert.match(stray.stderr, /The environment variable LIORAN_ROOT is not set/);
  assert.match(stray.stderr, /manager\.env\(\)/);
});
