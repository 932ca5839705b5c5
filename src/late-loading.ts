/**
 * Loads code late, when it is first needed. Node remembers for good that a module could not be loaded, also when that
 * was because the process had no file descriptors left. So it is not asked to load one before there are some.
 */
import { closeSync, existsSync, openSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { LioranError } from "./errors.js";

/** As many as Node may use at a time to load a module with all that it imports, and more than LMDB needs. */
const descriptorsMin = 32;

/** @throws IO when too few file descriptors are left to load a module, or to open a database */
export function assertDescriptors(): void {
  if (process.platform === "win32") return;
  const descriptors: number[] = [];
  try {
    while (descriptors.length < descriptorsMin) descriptors.push(openSync("/dev/null", "r"));
  } catch (cause) {
    throw new LioranError(
      "IO",
      `Too few file descriptors are left in this process to go on: ${(cause as Error).message}. ` +
        "Allow it more open files (ulimit -n), or close some.",
      { cause },
    );
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

/** `import()` of a module that is loaded late. */
export function lateImport<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: T | undefined;
  return async () => {
    if (loaded === undefined) {
      assertDescriptors();
      loaded = await load();
    }
    return loaded;
  };
}

/** `require` for packages that are loaded late by the module with this address. */
export function lateRequire(url: string): (id: string) => unknown {
  const require = createRequire(url);
  const loaded = new Map<string, unknown>();
  return (id) => {
    let code = loaded.get(id);
    if (code === undefined) {
      assertDescriptors();
      code = require(id);
      loaded.set(id, code);
    }
    return code;
  };
}

/** A file of our bundle, next to that with this address; undefined in the bundle of somebody else, who has moved us. */
export function besideUs(url: string, name: string): string | undefined {
  const path = fileURLToPath(new URL(name, url));
  return existsSync(path) ? path : undefined;
}
