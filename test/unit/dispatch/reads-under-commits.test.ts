import assert from "node:assert/strict";
import { test } from "node:test";
import { LioranManager } from "../../../src/index.js";
import { temporaryRoot } from "../../support/temporary-root.js";

interface Item {
  _id: number;
  a: number | number[];
}

/** A change, and what there is after it. */
interface Step {
  after: Item[];
  run(): Promise<unknown>;
}

/**
 * The primary's main thread reads by the catalog entry that it has seen, while its Host commits: whatever a commit
 * does to the catalog, a read sees what was there before it or what was there after it.
 */
test("reads by an index are right while commits change what the catalog says of it", async () => {
  using root = temporaryRoot();
  await using manager = new LioranManager({ rootPath: root.rootPath });
  const items = (await manager.db("app")).collection<Item>("items");
  const values = 5;
  let stored: Item[] = [];
  let nextId = 0;
  const insert = (a: Item["a"]): Step => {
    const item = { _id: nextId, a };
    nextId += 1;
    return { after: [...stored, item], run: () => items.insertOne(item) };
  };
  const remove = (a: number): Step => ({
    after: stored.filter((item) => !hasValue(item, a)),
    run: () => items.deleteMany({ a }),
  });
  const unchanged = (run: () => Promise<unknown>): Step => ({ after: stored, run });

  for (let round = 0; round < 4; round += 1) {
    const value = round % values;
    const steps: (() => Step)[] = [
      () => insert(value),
      () => unchanged(() => items.createIndex({ a: 1 })),
      () => insert((value + 1) % values),
      // The index has arrays from here on.
      () => insert([value, (value + 2) % values]),
      () => insert(value),
      () => remove(value),
      () =>
        round % 2 === 0
          ? unchanged(() => items.dropIndex("a_1"))
          : { after: [], run: () => items.drop() },
    ];
    for (const begin of steps) {
      const { after, run } = begin();
      let isDone = false;
      const done = run().finally(() => {
        isDone = true;
      });
      for (let reads = 0; !isDone || reads < 2 * values; reads += 1) {
        const a = reads % values;
        const possible = (isDone ? [after] : [stored, after]).map((all) => idsOf(all, a));
        const found = (await items.find({ a }).toArray()).map(({ _id }) => _id);
        const first = await items.findOne({ a });
        assert.ok(
          possible.includes(found.toSorted((x, y) => x - y).join()),
          `${found} is none of ${possible.join(" | ")}`,
        );
        assert.ok(possible.some((ids) => (ids === "") === (first === null)));
      }
      await done;
      stored = after;
    }
  }
});

function idsOf(items: readonly Item[], a: number): string {
  return items
    .filter((item) => hasValue(item, a))
    .map(({ _id }) => _id)
    .join();
}

function hasValue(item: Item, a: number): boolean {
  return [item.a].flat().includes(a);
}
