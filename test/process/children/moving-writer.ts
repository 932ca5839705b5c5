/** Moves amounts between accounts, each time in one commit, until it is told to stop. */
import { LioranManager } from "@liorandb/core";

const [rootPath, accounts] = process.argv.slice(2) as [string, string];
const manager = new LioranManager({ rootPath, durability: "committed" });
const collection = (await manager.db("app")).collection<{ _id: number; balance: number }>(
  "accounts",
);

let isStopped = false;
process.on("message", () => {
  isStopped = true;
});

process.send!("moving");
let moves = 0;
for (; !isStopped; moves += 1) {
  const from = (moves * 7_919) % Number(accounts);
  const to = (from + 1 + (moves % 1_000)) % Number(accounts);
  const move = (_id: number, amount: number) => ({
    updateOne: { filter: { _id }, update: { $inc: { balance: amount } } },
  });
  await collection.bulkWrite([move(from, -1), move(to, 1)]);
}
process.send!({ moves });
await manager.close();
process.disconnect();
