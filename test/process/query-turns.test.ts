/** Heavy queries of one client do not keep another waiting for all of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LioranManager } from "@liorandb/core";
import { temporaryRoot } from "../support/temporary-root.js";

const documents = 30_000;

test("a client's one query does not wait for all of another client's, where both run at the primary", async (t) => {
  const { rootPath, remove } = temporaryRoot();
  const primary = new LioranManager({ rootPath, cores: 1 });
  const clients = [1, 2].map(() => new LioranManager({ rootPath, reads: "primary" }));
  t.after(async () => {
    await Promise.all([...clients, primary].map((manager) => manager.close()));
    remove();
  });
  const items = (await primary.db("app")).collection("items");
  await items.insertMany(Array.from({ length: documents }, (_, n) => ({ _id: n, n }) as never));
  const [greedy, modest] = await Promise.all(
    clients.map(async (client) => (await client.db("app")).collection("items")),
  );
  const done: string[] = [];
  const heavy = (who: string, collection: typeof greedy) =>
    collection!.countDocuments({ n: { $gte: 0 } }).then((count) => {
      assert.equal(count, documents);
      done.push(who);
    });
  const many = Array.from({ length: 10 }, (_, at) => heavy(`greedy ${at}`, greedy));
  await many[0];
  await heavy("modest", modest);
  const before = done.indexOf("modest");
  await Promise.all(many);
  // Its turn comes after that of one query, or of two if it was late; not after all that were there before.
  assert.ok(before <= 5, done.join(", "));
});
