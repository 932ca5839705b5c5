/**
 * A program that uses lmdb-js itself, on the same thread as the package: `beside-lmdb.js <root> <folder> <order>`.
 * Prints what it has read, and which of the files of other packages are loaded after the first steps.
 */
import { createRequire } from "node:module";
import { LioranManager } from "@liorandb/core";

const [, , rootPath, folder, order] = process.argv as unknown as [
  string,
  string,
  string,
  string,
  string,
];
const text = "compressed ".repeat(500);
const at = new Date(86_400_000);

async function ours(): Promise<unknown> {
  const manager = new LioranManager({ rootPath });
  const things = (await manager.db("app")).collection<{ _id: string; n: number; at?: Date }>(
    "things",
  );
  await things.insertOne({ _id: "a", n: 1 });
  const plain = await things.findOne({ _id: "a" });
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  await things.updateOne({ _id: "a" }, { $set: { at } });
  const dated = await things.find({ at }).toArray();
  await manager.close();
  return { plain, loaded, dated };
}

async function theirs(): Promise<unknown> {
  const { open } = await import("lmdb");
  // The defaults: keys in order, values by msgpackr.
  const root = open<unknown, [string, number]>({
    path: folder,
    compression: true,
    noSubdir: false,
  });
  await root.put(["k", 1], { at, text, list: [1, "two", null] });
  await root.put(["k", 2], "second");
  const range = Array.from(root.getRange({ start: ["k", 0], end: ["k", 9] }), ({ key }) => key);
  const value = root.get(["k", 1]);
  await root.close();
  return { range, value };
}

const results: Record<string, unknown> = {};
for (const turn of order.split(",")) results[turn] = await (turn === "ours" ? ours() : theirs());
console.log(JSON.stringify(results));
