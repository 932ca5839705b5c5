/**
 * The native addon for the bundled lmdb-js. Where there is nothing to choose it is the prebuilt binary of this
 * platform, which lmdb-js's own finder would take too; everywhere else (an own build, another C library, another runtime,
 * a variable that names one) that finder is asked. Asking costs a process that starts 4 ms (measured), most
 * of it for a library that looks which C library this is.
 */
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { lmdbFolder, requireFromLmdb } from "./package.js";

const finderName = "node-gyp-build-optional-packages";
/** What tells the finder to look elsewhere. */
const variables = ["LMDB_PREBUILD", "LIBC", "ELECTRON_RUN_AS_NODE"];
/** An ELF file names its loader in its first bytes, and the loader tells the C library. */
const elfHeaderBytes = 2_048;

export function loadAddon(): unknown {
  const addon = prebuiltAddon() ?? requireFromLmdb(finderName).path(lmdbFolder);
  return createRequire(import.meta.url)(addon);
}

/** @returns its path; undefined where the finder has to be asked */
export function prebuiltAddon(): string | undefined {
  if (variables.some((name) => process.env[name])) return undefined;
  const { platform, arch, versions, execPath } = process;
  if (platform !== "linux" || versions.electron || versions.bun || versions.deno) return undefined;
  const ownBuilds = [join(lmdbFolder, "build"), join(lmdbFolder, "prebuilds")];
  if ([...ownBuilds, join(dirname(execPath), "prebuilds")].some(existsSync)) return undefined;
  try {
    if (!runsOnGlibc(execPath)) return undefined;
    const folder = dirname(requireFromLmdb.resolve(`@lmdb/lmdb-${platform}-${arch}`));
    const path = join(folder, `node.abi${versions.modules}.glibc.node`);
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

function runsOnGlibc(execPath: string): boolean {
  const header = Buffer.alloc(elfHeaderBytes);
  const fd = openSync(execPath, "r");
  try {
    readSync(fd, header, 0, elfHeaderBytes, 0);
  } finally {
    closeSync(fd);
  }
  return header.includes("/ld-linux") && !header.includes("/ld-musl");
}
