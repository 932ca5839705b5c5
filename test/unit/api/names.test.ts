import assert from "node:assert/strict";
import { test } from "node:test";
import { LioranError } from "../../../src/index.js";
import { checkCollectionName, checkDatabaseName } from "../../../src/names.js";

const isNamespaceError = (error: unknown) =>
  error instanceof LioranError && error.code === 73 && error.message.startsWith("Invalid ");

test("database names are 1 to 63 letters, digits, _ and -", () => {
  for (const name of ["a", "A-1_b", "0", "-", "_", "x".repeat(63)]) checkDatabaseName(name);
  const wrong = [
    "",
    "x".repeat(64),
    ".",
    "..",
    "../x",
    "a/b",
    "a\\b",
    "a b",
    "a.b",
    "a$",
    "ä",
    "a\0",
  ];
  for (const name of [...wrong, "a\n", " a", undefined, null, 3, {}, ["a"]]) {
    assert.throws(() => checkDatabaseName(name), isNamespaceError, String(name));
  }
});

test("names of devices are no database names on any system", () => {
  for (const name of ["con", "CON", "Nul", "prn", "aux", "com0", "COM9", "lpt1"]) {
    assert.throws(() => checkDatabaseName(name), isNamespaceError, name);
  }
  for (const name of ["console", "com", "com10", "lpt", "nul_"]) checkDatabaseName(name);
});

test("collection names are MongoDB's, without $ and system.", () => {
  const right = ["a", "a.b.c", "with space", "ä", "日本", "/", "\\", "system", "a-b"];
  for (const name of [...right, "x".repeat(255), "systems.x", "__proto__"])
    checkCollectionName(name);
  const wrong = ["", "$", "a$b", "a\0", ".", ".a", "a.", "a..b", "system.", "system.users"];
  const tooLong = ["x".repeat(256), "ä".repeat(128)];
  for (const name of [...wrong, ...tooLong, "\ud800", undefined, null, 3, {}]) {
    assert.throws(() => checkCollectionName(name), isNamespaceError, String(name));
  }
});

test("a message shows the name, but not all of a long one", () => {
  assert.throws(() => checkDatabaseName("a/b"), /"a\/b"/);
  const { message } = caught(() => checkCollectionName(`$${"x".repeat(10_000)}`));
  assert.ok(message.length < 200, `${message.length} characters`);
});

function caught(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  assert.fail("the call should have thrown");
}
