/** A client of a primary in another process. */
import { LioranManager, type ManagerOptions } from "@liorandb/core";
import { PrimaryProcess } from "../support/primary-process.js";
import { temporaryRoot } from "../support/temporary-root.js";
import type { Mode } from "./mode.js";

export function clientMode(name: string, options: ManagerOptions): Mode {
  return {
    name,
    canWrite: true,
    forwardsReads: options.reads === "primary",
    async open() {
      const root = temporaryRoot();
      const primary = await PrimaryProcess.start(root.rootPath);
      const manager = new LioranManager({ ...options, rootPath: root.rootPath, ipc: "client" });
      const close = async () => {
        await manager.close();
        await primary.close();
        root.remove();
      };
      return { manager, seeder: manager, rootPath: root.rootPath, close };
    },
  };
}
