/** The type tests are part of the build: a type that is wrong fails it. This holds them there. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const folder = join(root, "test", "types");

test("every type test is compiled, and says what must not compile", () => {
  const files = readdirSync(folder).filter((name) => name !== "models.ts");
  assert.ok(files.length >= 4);
  for (const name of files) {
    const compiled = join(root, "dist", "test", "types", name.replace(/\.ts$/, ".js"));
    assert.ok(existsSync(compiled), `${name} is compiled`);
    const refusals = readFileSync(join(folder, name), "utf8").match(/@ts-expect-error \w/g) ?? [];
    assert.ok(refusals.length > 5, `${name} has cases that must not compile, each with its reason`);
  }
});
