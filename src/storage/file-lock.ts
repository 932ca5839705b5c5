/**
 * Kernel locks on an open file. The kernel releases them the instant their holder dies or closes the file, and never
 * while it merely sleeps.
 *
 * One byte is locked, far behind the content, so that others can read the content on Windows too. Where there are no locks
 * of ranges it is the whole file.
 */
import { createRequire } from "node:module";

/** Of the addon of fs-native-extensions: they throw when the lock is not granted. */
interface Addon {
  tryLock(fd: number, offset: number, length: number, exclusive: boolean): void;
  waitForLockSync(fd: number, offset: number, length: number, exclusive: boolean): void;
  unlock(fd: number, offset: number, length: number): void;
}

/** fs-native-extensions 1.5 on macOS: flock, of whole files only; anything else is EINVAL. */
const isWholeFile = process.platform === "darwin";

/** What others may hold at the same time: shared locks. */
export type LockKind = "exclusive" | "shared";

let addon: Addon | undefined;

/** Takes a lock if it is free. @param fd opened for writing, or for reading if the lock is shared */
export function tryLockFile(fd: number, byte: number, kind: LockKind): boolean {
  try {
    addon ??= loadAddon();
    addon.tryLock(fd, ...rangeOf(byte), kind === "exclusive");
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
    throw error;
  }
}

/** Takes a lock; the thread stands still until it is free. @param fd as for {@link tryLockFile} */
export function lockFile(fd: number, byte: number, kind: LockKind): void {
  addon ??= loadAddon();
  for (;;) {
    try {
      addon.waitForLockSync(fd, ...rangeOf(byte), kind === "exclusive");
      return;
    } catch (error) {
      // A signal has come meanwhile.
      if ((error as NodeJS.ErrnoException).code !== "EINTR") throw error;
    }
  }
}

export function unlockFile(fd: number, byte: number): void {
  addon?.unlock(fd, ...rangeOf(byte));
}

function rangeOf(byte: number): [offset: number, length: number] {
  return isWholeFile ? [0, 0] : [byte, 1];
}

/**
 * Loads the addon: straight from its file, because the package takes a dozen modules to find it (measured: 5 ms of
 * every start), else by the package.
 */
function loadAddon(): Addon {
  const require = createRequire(import.meta.url);
  const { platform, arch } = process;
  const file = `fs-native-extensions/prebuilds/${platform}-${arch}/fs-native-extensions.node`;
  try {
    const found = require(file) as Addon;
    if (typeof found.waitForLockSync === "function") return found;
  } catch {
    // There is no such file for this platform, or it does not fit: the package knows more.
  }
  return ofPackage(require("fs-native-extensions"));
}

interface Package {
  tryLock(fd: number, offset: number, length: number, options: { shared: boolean }): boolean;
  waitForLockSync(fd: number, offset: number, length: number, options: { shared: boolean }): void;
  unlock(fd: number, offset: number, length: number): void;
}

function ofPackage(found: Package): Addon {
  return {
    tryLock(fd, offset, length, exclusive) {
      if (found.tryLock(fd, offset, length, { shared: !exclusive })) return;
      throw Object.assign(new Error("The lock is held."), { code: "EAGAIN" });
    },
    waitForLockSync: (fd, offset, length, exclusive) =>
      found.waitForLockSync(fd, offset, length, { shared: !exclusive }),
    unlock: (fd, offset, length) => found.unlock(fd, offset, length),
  };
}
