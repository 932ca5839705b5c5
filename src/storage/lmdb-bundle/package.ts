/** Where lmdb-js is installed: its native addon, and what it needs seldom, are loaded from there. */
import { createRequire } from "node:module";
import { dirname } from "node:path";

/** The file that `require("lmdb")` loads: <folder>/dist/index.cjs. */
export const lmdbEntry = createRequire(import.meta.url).resolve("lmdb");
export const lmdbFolder = dirname(dirname(lmdbEntry));
/** Finds what lmdb-js itself would find, also where a package manager lets nobody else see it. */
export const requireFromLmdb = createRequire(lmdbEntry);
