import assert from "node:assert/strict";
import { LioranManager } from "@liorandb/core";
import { PrimaryProcess } from "../support/primary-process.js";
import { temporaryRoot } from "../support/temporary-root.js";
import { conformance } from "./conformance.js";

conformance({
  name: "client after a failover",
  canWrite: true,
  async open() {
    const root = temporaryRoot();
    const primary = await PrimaryProcess.start(root.rootPath);
    const manager = new LioranManager({ rootPath: root.rootPath });
    const database = await manager.db("before");
    const collection = database.collection("things");
    await collection.insertOne({ _id: "acknowledged" });
    assert.equal(manager.isClient(), true);
    await primary.kill();
    await database.command({ ping: 1 });
    assert.equal(manager.isPrimary(), true);
    assert.deepEqual(await collection.find().toArray(), [{ _id: "acknowledged" }]);
    await database.dropDatabase();
    const close = async () => {
      await manager.close();
      root.remove();
    };
    return { manager, seeder: manager, rootPath: root.rootPath, close };
  },
});
