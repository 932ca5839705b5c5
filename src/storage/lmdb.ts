/**
 * Loads lmdb-js, when the first database is opened: a client that has just started shakes hands with
 * its primary meanwhile. Its CommonJS build is one file where its ES modules are fifteen (measured:
 * 28 ms against 43 ms, which a short-lived process feels).
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";

const require = createRequire(import.meta.url);

/** Gives up the snapshot of a read transaction, named by its address. */
export type ResetReadTransaction = (address: number) => void;

let lookup: { reset: ResetReadTransaction | undefined } | undefined;

/** lmdb-js: https://github.com/kriszyp/lmdb-js */
export function loadLmdb(): typeof import("lmdb") {
  return require("lmdb");
}

/**
 * The native function that gives up a snapshot, which lmdb-js has but does not export. Undefined where
 * it cannot be had: in another version, or inside a bundle.
 */
export function loadReset(): ResetReadTransaction | undefined {
  lookup ??= { reset: findReset() };
  return lookup.reset;
}

function findReset(): ResetReadTransaction | undefined {
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
