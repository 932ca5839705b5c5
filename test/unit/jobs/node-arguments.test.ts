import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeArguments } from "../../../src/jobs/process-vehicle.js";

test("a child process gets the arguments of Node that suit it", () => {
  assert.deepEqual(nodeArguments(["--import", "tsx", "--inspect=0", "-e", "1 + 1"], undefined), [
    "--import",
    "tsx",
  ]);
  assert.deepEqual(nodeArguments(["--input-type=module", "--test", "--watch", "--eval", "x"], 64), [
    "--max-old-space-size=64",
  ]);
  assert.deepEqual(nodeArguments(["--test-only", "--enable-source-maps"], undefined), [
    "--test-only",
    "--enable-source-maps",
  ]);
});
