/**
 * Loads lmdb-js, when the first database is opened: a client that has just started shakes hands with
 * its primary meanwhile. Its CommonJS build is one file where its ES modules are fifteen (measured:
 * 28 ms against 43 ms, which a short-lived process feels); and of that our own bundle has a copy that
 * leaves out what we never use (20 ms against 8 ms): see lmdb-bundle/ and .ci/bundle.mjs.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { besideUs } from "../late-loading.js";

const require = createRequire(import.meta.url);

/** The version of lmdb-js in the bundle; undefined outside of it. The bundler puts it here. */
declare const bundledLmdbVersion: string | undefined;

/** Gives up the snapshot of a read transaction, named by its address. */
export type ResetReadTransaction = (address: number) => void;

let loaded: typeof import("lmdb") | undefined;

/** lmdb-js: https://github.com/kriszyp/lmdb-js */
export function loadLmdb(): typeof import("lmdb") {
  loaded ??= require(bundledLmdb() ?? "lmdb") as typeof import("lmdb");
  return loaded;
}

/** Our copy, which works with the native addon of its own version only: another one may be installed by now. */
function bundledLmdb(): string | undefined {
  if (typeof bundledLmdbVersion === "undefined") return undefined;
  const folder = dirname(dirname(require.resolve("lmdb")));
  const { version } = require(join(folder, "package.json"));
  return version === bundledLmdbVersion ? besideUs(import.meta.url, "./lmdb.cjs") : undefined;
}

/**
 * The native function that gives up a snapshot, which lmdb-js has but does not document. Undefined where
 * it cannot be had, as in another version.
 */
export function loadReset(): ResetReadTransaction | undefined {
  const { nativeAddon } = loadLmdb() as { nativeAddon?: { resetTxn?: ResetReadTransaction } };
  const reset = nativeAddon?.resetTxn;
  return typeof reset === "function" ? reset : undefined;
}
