import { LioranManager } from "@liorandb/core";
import { temporaryRoot } from "../support/temporary-root.js";
import { conformance } from "./conformance.js";

conformance({
  name: "readonly",
  canWrite: false,
  async open() {
    const root = temporaryRoot();
    const seeder = new LioranManager({ rootPath: root.rootPath });
    // Within one process, the manager that writes has to be the first.
    await seeder.db("conformance");
    const manager = new LioranManager({ rootPath: root.rootPath, ipc: "readonly" });
    const close = async () => {
      await manager.close();
      await seeder.close();
      root.remove();
    };
    return { manager, seeder, rootPath: root.rootPath, close };
  },
});
