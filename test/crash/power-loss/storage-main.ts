/**
 * A process that is traced, and writes to one database without a turn of the event loop in between: nothing is flushed in
 * the background. It marks "acknowledged" when a flushed write would be.
 *
 * Arguments: the folder, and what to do.
 */
import { Environment } from "../../../src/storage/environment.js";
import { Marker } from "./trace.js";

const [folder, what] = process.argv.slice(2) as [string, "empty-commit" | "die" | "open-again"];
const marker = new Marker();
const environment = Environment.open(folder, "write")!;
const { documents } = environment.stores;

if (what === "empty-commit" || what === "die") {
  environment.commit(() => documents.putSync(Buffer.from("key"), Buffer.from("value")), false);
}
if (what === "die") process.kill(process.pid, "SIGKILL");
if (what === "empty-commit") environment.commit(() => {}, true);
marker.set("acknowledged storage 1");
await environment.close();
process.disconnect();
