/** A client whose listeners throw takes over: `node throwing-listener.js <root>`. */
import { once } from "node:events";
import { LioranManager } from "../../../../src/index.js";

const uncaught: string[] = [];
process.on("uncaughtException", (error) => uncaught.push(error.message));

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
const lost = new Promise((resolve) => second.prependOnceListener("primary-lost", () => resolve(0)));
await first.close();
await lost;

const write = async (manager: LioranManager) => {
  await (await manager.db("app")).collection("things").insertOne({});
};
await write(second);
const tookOver = second.isPrimary();
const third = new LioranManager({ rootPath });
await write(third);
const found = once(third, "primary-found");
await second.close();
// It takes over in its turn: the second one has let go of the root.
await found;
const written = await (await third.db("app")).collection("things").countDocuments({});
await third.close();
console.log(JSON.stringify({ uncaught, tookOver, written, errors }));
