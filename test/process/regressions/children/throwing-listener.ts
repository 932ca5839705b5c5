/** A client whose listeners throw takes over: `node throwing-listener.js <root>`. */
import { LioranManager } from "../../../../src/index.js";

const uncaught = new Set<string>();
process.on("uncaughtException", (error) => uncaught.add(error.message));

const rootPath = process.argv[2]!;
const errors: unknown[] = [];
const first = new LioranManager({ rootPath });
await first.db("app");
const second = new LioranManager({ rootPath });
await second.db("app");
second.on("error", (error) => errors.push(error.code));
for (const name of ["role", "primary-lost", "primary-found"] as const) {
  second.on(name, () => {
    throw new Error(`listener of ${name}`);
  });
}
await first.close();

const write = async (manager: LioranManager) => {
  await (await manager.db("app")).collection("things").insertOne({});
};
await write(second);
const tookOver = second.isPrimary();
const third = new LioranManager({ rootPath });
await write(third);
await second.close();
// It takes over in its turn: the second one has let go of the root.
await write(third);
const written = await (await third.db("app")).collection("things").countDocuments({});
await third.close();
console.log(JSON.stringify({ uncaught: [...uncaught].sort(), tookOver, written, errors }));
