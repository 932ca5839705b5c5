import assert from "node:assert/strict";
import { test } from "node:test";
import { sessionRetentionMs } from "../../../src/limits.js";
import { acquireDatabases } from "../../../src/storage/databases.js";
import { expiredRecords, saveReplies, steadyNowMs } from "../../../src/storage/sessions.js";
import { temporaryRoot } from "../../support/temporary-root.js";

test("what was applied a moment ago is not forgotten because the machine's clock was set", async (t) => {
  using root = temporaryRoot();
  const databases = acquireDatabases(root.rootPath, "write");
  const environment = databases.get("app")!;
  const save = (sequence: number) =>
    environment.commit(
      () =>
        saveReplies(environment, new Uint8Array(16).fill(7), [
          { sequence, failed: false, body: new Uint8Array(1) },
        ]),
      false,
    );
  const expiredAfter = (ms: number) => {
    environment.refresh();
    return expiredRecords(environment, steadyNowMs() + ms).length;
  };
  save(1);
  const now = Date.now();
  const clock = t.mock.method(Date, "now", () => now + 24 * 60 * 60_000);
  save(2);
  assert.equal(expiredAfter(0), 0);
  clock.mock.mockImplementation(() => now - 24 * 60 * 60_000);
  assert.equal(expiredAfter(0), 0);
  assert.equal(expiredAfter(sessionRetentionMs + 60_000), 2);
  await databases.release();
});
