/**
 * Loads lmdb-js. Its CommonJS build is one file where its ES modules are fifteen (measured: 28 ms
 * against 43 ms, which a short-lived process feels).
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";

const require = createRequire(import.meta.url);

/** lmdb-js: https://github.com/kriszyp/lmdb-js */
export const { open } = require("lmdb") as typeof import("lmdb");

/**
 * The native function that gives up the snapshot of a read transaction, which lmdb-js has but does
 * not export. Undefined where it cannot be had: in another version, or inside a bundle.
 */
export const resetReadTransaction = findReset();

function findReset(): ((address: number) => void) | undefined {
  try {
    // <package>/dist/index.cjs, which has loaded the same addon in the same way.
    const entry = require.resolve("lmdb");
    const loadAddon = createRequire(entry)("node-gyp-build-optional-packages");
    const { resetTxn } = loadAddon(dirname(dirname(entry)));
    return typeof resetTxn === "function" ? resetTxn : undefined;
  } catch {
    return undefined;
  }
}
