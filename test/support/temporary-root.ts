/** Temporary folders for tests: each is removed with everything in it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryRoot extends Disposable {
  /** A folder of the test alone. */
  readonly folder: string;
  /** A root in that folder; it does not exist yet. */
  readonly rootPath: string;
  remove(): void;
}

/** The name is short, so that a socket in the root stays within the length of a socket address. */
export function temporaryRoot(): TemporaryRoot {
  const folder = mkdtempSync(join(tmpdir(), "t-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  return { folder, rootPath: join(folder, "root"), remove, [Symbol.dispose]: remove };
}
