import assert from "node:assert/strict";
import { test } from "node:test";
import { environmentFor, optionsFrom } from "../../../src/api/child-environment.js";
import { LioranManager } from "../../../src/index.js";
import { resolveOptions } from "../../../src/options.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const complete = { LIORAN_ROOT: "/data/root", LIORAN_IPC: "client" };

test("each mode has its mode for children, and the root is absolute", () => {
  const modes = [
    [undefined, "auto"],
    ["primary", "client"],
    ["client", "client"],
    ["readonly", "readonly"],
  ] as const;
  for (const [ipc, expected] of modes) {
    const resolved = resolveOptions({ rootPath: "a folder/root", ipc });
    assert.deepEqual(environmentFor(resolved), {
      LIORAN_ROOT: resolved.rootPath,
      LIORAN_IPC: expected,
    });
    const options = optionsFrom(environmentFor(resolved));
    assert.deepEqual(options.rootPath, resolved.rootPath);
    assert.equal(options.ipc ?? "auto", expected);
  }
});

test("options take the place of variables, which then need not be there", () => {
  assert.deepEqual(optionsFrom(complete, { ipc: "readonly", cores: 1 }), {
    rootPath: "/data/root",
    ipc: "readonly",
    cores: 1,
  });
  const given = { rootPath: "here", ipc: "primary" } as const;
  assert.deepEqual(optionsFrom({}, given), given);
  assert.deepEqual(optionsFrom({ LIORAN_ROOT: "x", LIORAN_IPC: "y" }, given), given);
});

const wrong: [variable: string, environment: NodeJS.ProcessEnv, says: string][] = [
  ["LIORAN_ROOT", { LIORAN_IPC: "auto" }, "is not set"],
  ["LIORAN_ROOT", { ...complete, LIORAN_ROOT: "" }, "is empty"],
  ["LIORAN_ROOT", { ...complete, LIORAN_ROOT: "data/root" }, '"data/root"'],
  ["LIORAN_IPC", { LIORAN_ROOT: "/data/root" }, "is not set"],
  ["LIORAN_IPC", { ...complete, LIORAN_IPC: "" }, "is empty"],
  ["LIORAN_IPC", { ...complete, LIORAN_IPC: "Client" }, '"Client"'],
  ["LIORAN_IPC", { ...complete, LIORAN_IPC: "constructor" }, '"constructor"'],
];

for (const [variable, environment, says] of wrong) {
  test(`${JSON.stringify(environment)} is refused, naming ${variable}`, () => {
    assert.throws(
      () => optionsFrom(environment),
      (error: Error & { code?: unknown }) => {
        assert.equal(error.code, "INVALID_OPTION");
        assert.ok(error.message.includes(variable), error.message);
        assert.ok(error.message.includes(says), error.message);
        return true;
      },
    );
  });
}

test("options that cannot be are refused as by the constructor", () => {
  using root = temporaryRoot();
  const refused = { code: "INVALID_OPTION" };
  assert.throws(() => LioranManager.fromEnv(null as never), refused);
  assert.throws(() => LioranManager.fromEnv("client" as never), refused);
  const { rootPath } = root;
  assert.throws(() => LioranManager.fromEnv({ rootPath, ipc: "auto" as never }), refused);
  assert.throws(
    () => LioranManager.fromEnv({ rootPath, ipc: "client", root: 1 } as never),
    refused,
  );
});
