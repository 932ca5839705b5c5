import { LioranManager } from "@liorandb/core";
import { temporaryRoot } from "../support/temporary-root.js";
import { conformance } from "./conformance.js";

conformance({
  name: "primary",
  canWrite: true,
  async open() {
    const root = temporaryRoot();
    const manager = new LioranManager({ rootPath: root.rootPath, ipc: "primary" });
    const close = async () => {
      await manager.close();
      root.remove();
    };
    return { manager, seeder: manager, rootPath: root.rootPath, close };
  },
});
