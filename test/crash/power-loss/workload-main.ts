/**
 * A process that is traced: its writers work side by side, and each marks in the log what it is about to send and what was
 * acknowledged.
 *
 * Argument: {@link Work} in JSON. It says "ready" when it has its role.
 */
import { LioranManager, type ManagerOptions } from "../../../src/index.js";
import { Marker } from "./trace.js";
import { Writer, type WriterSpec } from "./workload.js";

export interface Work {
  options: ManagerOptions;
  writers: WriterSpec[];
}

const { options, writers } = JSON.parse(process.argv[2]!) as Work;
const marker = new Marker();
const manager = new LioranManager(options);

async function work(spec: WriterSpec): Promise<void> {
  const db = await manager.db(spec.db);
  const writer = new Writer(spec);
  for (let i = 1; i <= spec.steps; i += 1) {
    const step = writer.next();
    marker.set(`sent ${spec.name} ${i}`);
    await step.run(db);
    marker.set(`acknowledged ${spec.name} ${i}`);
    step.apply(writer.state);
  }
}

await manager.db("plain");
process.send!("ready");
// All begin together.
await new Promise((resolve) => process.once("message", resolve));
await Promise.all(writers.map(work));
process.send!("done");
await new Promise((resolve) => process.once("message", resolve));
await manager.close();
marker.close();
process.disconnect();
