/** A primary that never makes a call: `node idle-primary.js <root> auto|primary`. */
import { LioranManager } from "../../../../src/index.js";

const [rootPath, ipc] = process.argv.slice(2);
new LioranManager({ rootPath, ipc: ipc === "primary" ? "primary" : undefined });
