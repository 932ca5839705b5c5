import assert from "node:assert/strict";
import { after, test } from "node:test";
import { countKeysOf } from "../../../src/storage/count-keys.js";
import { Environment } from "../../../src/storage/environment.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const keys = 45_000;
const root = temporaryRoot();
fill();
const environment = Environment.open(root.rootPath, "read")!;
after(async () => {
  await environment.close();
  root.remove();
});

function fill(): void {
  const writing = Environment.open(root.rootPath, "write")!;
  writing.commit(() => {
    for (let n = 0; n < keys; n += 1) {
      writing.stores.indexes.putSync(keyOf(n), Buffer.alloc(n % 4));
    }
  }, false);
  writing.close();
}

function keyOf(n: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32BE(n);
  return key;
}

test("keys are counted exactly, however many steps it takes", () => {
  environment.refresh();
  for (const count of [0, 1, 2, 1_023, 1_024, 1_025, 5_119, 5_120, 5_121, 21_504, 40_000]) {
    for (const from of [0, 3_333, keys - count]) {
      const range = { start: keyOf(from), end: keyOf(from + count), ...environment.latest };
      const counted = countKeysOf(environment.stores.indexes, range, () => {});
      assert.equal(counted, Math.min(count, keys - from), `${count} keys from ${from} on`);
    }
  }
  environment.release();
});

test("counting a snapshot is not disturbed, and it ends when the caller says so", () => {
  const snapshot = environment.openSnapshot();
  const range = { start: keyOf(0), end: keyOf(keys), ...snapshot.options };
  let steps = 0;
  const stop = () => {
    steps += 1;
    if (steps === 3) throw new Error("enough");
  };
  assert.throws(() => countKeysOf(environment.stores.indexes, range, stop), /enough/);
  assert.equal(
    countKeysOf(environment.stores.indexes, range, () => {}),
    keys,
  );
  snapshot.close();
});
