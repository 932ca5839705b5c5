/**
 * A child that knows nothing but its environment: joins the root, writes if it may, and tells what it is.
 * With `WAIT_FOR_ROLE` it goes on until its role has changed.
 */
import { once } from "node:events";
import { LioranManager } from "@liorandb/core";

const manager = LioranManager.fromEnv();
const things = (await manager.db("app")).collection("things");
const written = await things.insertOne({ by: "child" }).then(
  () => "written",
  (error) => error.code,
);
const roles = {
  primary: manager.isPrimary(),
  client: manager.isClient(),
  readonly: manager.isReadOnly(),
};
process.send!({ rootPath: manager.rootPath, roles, written, env: manager.env() });
// The parent goes away: a child that may take over does.
if (process.env.WAIT_FOR_ROLE) {
  // A client that waits for nothing but an event does not keep its process running; the channel does.
  process.on("message", () => {});
  const [from, to] = await once(manager, "role");
  await things.insertOne({ by: "successor" });
  process.send!({ from, to, count: await things.countDocuments() });
}
await manager.close();
process.disconnect();
