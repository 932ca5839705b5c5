/**
 * A short-lived client, as a CLI's child is: a few reads and writes, then it closes and ends. It tells of each write
 * that was acknowledged. One that is to be killed waits for that with its next writes under way.
 */
import { LioranManager, type ManagerOptions } from "@liorandb/core";

export interface Life {
  name: string;
  options: ManagerOptions;
  writes: number;
  /** After so many writes it waits for its killer. */
  killedAfter?: number;
}

export interface Acknowledged {
  acknowledged: number;
}

const { name, options, writes, killedAfter } = JSON.parse(process.argv[2]!) as Life;
const manager = new LioranManager(options);
const things = (await manager.db("app")).collection<{ _id: string; n?: number }>("things");
for (let n = 0; n < writes; n += 1) {
  const writing = Promise.all([
    things.insertOne({ _id: `${name}-${n}` }),
    things.updateOne({ _id: name }, { $inc: { n: 1 } }, { upsert: true }),
  ]);
  if (n === killedAfter) await new Promise(() => setInterval(() => {}, 60_000));
  const [insert] = await writing;
  const found = await things.findOne({ _id: insert.insertedId });
  if (found?._id !== insert.insertedId) throw new Error(`${name} does not see its own write ${n}`);
  process.send!({ acknowledged: n + 1 } satisfies Acknowledged, () => {});
}
await manager.close();
process.disconnect();
