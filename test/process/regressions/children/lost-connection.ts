/**
 * A primary whose connection to its own Host is cut when the test says "lose"; after "close" it
 * prints what it saw and must end by itself.
 */
import { once } from "node:events";
import type { Worker } from "node:worker_threads";
import { LioranManager } from "../../../../src/index.js";
import { PortChannel } from "../../../../src/transport/port-channel.js";

const hosts = new Set<Worker>();
process.on("worker", (worker: Worker) => {
  hosts.add(worker);
  worker.once("exit", () => hosts.delete(worker));
});

let channel: PortChannel | undefined;
const start = PortChannel.prototype.start;
PortChannel.prototype.start = function (this: PortChannel) {
  channel = this;
  start.call(this);
};

// No heavy query runs here, so that every thread is a Host.
const manager = new LioranManager({ rootPath: process.argv[2]!, cores: 0 });
const things = (await manager.db("app")).collection<{ _id: string }>("things");
await things.insertOne({ _id: "own-before" });
console.log("ready");

await once(process, "message");
const found = once(manager, "primary-found");
channel!.destroy();
await things.insertOne({ _id: "own-after" });
await found;
const hostsAfterRecovery = hosts.size;
console.log("recovered");

await once(process, "message");
const ids = (await things.find({}).sort({ _id: 1 }).toArray()).map(({ _id }) => _id);
await manager.close();
console.log(JSON.stringify({ hostsAfterRecovery, hostsAfterClose: hosts.size, ids }));
