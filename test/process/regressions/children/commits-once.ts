/** Opens a database for writing and commits once. */
import { Environment } from "../../../../src/storage/environment.js";

const environment = Environment.open(process.argv[2], "write")!;
process.send!("open");
await new Promise((resolve) => process.once("message", resolve));
environment.commit(
  () => environment.stores.catalog.putSync(Buffer.from("k"), Buffer.from("v")),
  true,
);
process.send!("committed");
await environment.close();
process.disconnect();
