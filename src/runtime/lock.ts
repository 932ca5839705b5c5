/**
 * The lock of a root: `<root>/.lioran.lock`, held with a kernel lock on an open file. The kernel
 * releases it the instant its holder dies, and never while the holder merely sleeps, so there is at
 * most one primary, and no heartbeat.
 *
 * The file is never deleted: two processes could then hold locks on two files of the same name.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { LioranError } from "../errors.js";
import { tryLockFile } from "../storage/file-lock.js";
import { readSmallFile, withoutLinks, withoutWaiting } from "../storage/small-file.js";

/** What the holder of the lock tells the others. */
export interface LockRecord {
  pid: number;
  /** One higher at each take-over. */
  epoch: number;
  /** Path of the Unix socket or named pipe; empty while the new primary is starting. */
  endpoint: string;
  /** Proof that a client may read the root. */
  token: string;
  protocol: number;
  /** Identity of the root, for its whole life. */
  rootId: string;
  /** ISO time. */
  startedAt: string;
}

const lockFileName = ".lioran.lock";
const lockedByte = 2 ** 40;
/** The record is padded to one fixed size, so that it is replaced by one small write. */
const recordBytes = 2048;
/** What lies behind this in the file is not looked at. */
const readBytesMax = 8 * recordBytes;
/** A higher epoch, or longer texts, nobody has written: a record with them could not be followed by another one. */
const epochMax = 2 ** 52;
const secretLengthMax = 128;
/** A link would have us write into another file. A pipe is not waited for. */
const openFlags = constants.O_RDWR | withoutLinks | withoutWaiting;

export class RootLock {
  readonly path: string;
  #fd: number | undefined;

  constructor(rootPath: string) {
    this.path = join(rootPath, lockFileName);
  }

  get held(): boolean {
    return this.#fd !== undefined;
  }

  /**
   * Takes the lock if it is free. Does not wait.
   *
   * @throws PERMISSION, IO when the lock file cannot be opened for writing
   */
  tryAcquire(): boolean {
    if (this.held) return true;
    const fd = this.#open();
    let granted = false;
    try {
      granted = tryLockFile(fd, lockedByte, "exclusive");
    } catch (error) {
      closeSync(fd);
      throw new LioranError("IO", `Cannot lock ${this.path}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    if (granted) this.#fd = fd;
    else closeSync(fd);
    return granted;
  }

  /** What the last holder wrote; undefined when there is nothing readable yet. */
  read(): LockRecord | undefined {
    return parseRecord(this.#readText());
  }

  /**
   * The record of a root that is being taken over: with the next epoch, and the root's identity if
   * it has one.
   */
  previous(): { epoch: number; rootId: string | undefined } {
    const text = this.#readText();
    const record = parseRecord(text);
    if (record) return record;
    // An unreadable record must not make the epoch go back: clients would take us for the old one.
    return { epoch: text.trim() === "" ? 0 : Math.floor(Date.now() / 1000), rootId: undefined };
  }

  /** Publishes the holder's record. Only the holder may. */
  write(record: LockRecord): void {
    const text = `${JSON.stringify(record)}\n`;
    const bytes = Buffer.alloc(recordBytes, " ");
    if (bytes.write(text) < Buffer.byteLength(text)) {
      throw new LioranError("IO", `The record of ${this.path} is too long.`);
    }
    try {
      if (writeSync(this.#fd!, bytes, 0, recordBytes, 0) < recordBytes) {
        throw new Error("only a part of it could be written: the disk is full");
      }
      // What others may have put into the file must not make the record unreadable.
      if (fstatSync(this.#fd!).size > recordBytes) ftruncateSync(this.#fd!, recordBytes);
    } catch (cause) {
      throw new LioranError("IO", `Cannot write ${this.path}: ${(cause as Error).message}.`, {
        cause,
      });
    }
  }

  /** Gives the lock up. Idempotent. */
  release(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  #open(): number {
    let fd: number;
    try {
      fd = openSync(this.path, openFlags);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw openFailure(this.path, error);
      fd = this.#create();
    }
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
    throw notAFile(this.path);
  }

  #create(): number {
    try {
      // Without cutting what another process may have written meanwhile.
      return openSync(this.path, openFlags | constants.O_CREAT, 0o600);
    } catch (error) {
      throw openFailure(this.path, error);
    }
  }

  #readText(): string {
    let text: string | undefined;
    try {
      text = readSmallFile(this.path, readBytesMax);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
      throw openFailure(this.path, error);
    }
    if (text === undefined) throw notAFile(this.path);
    return text;
  }
}

function parseRecord(text: string): LockRecord | undefined {
  try {
    const record = JSON.parse(text) as LockRecord;
    const complete =
      isNatural(record.pid) &&
      isNatural(record.epoch) &&
      record.epoch < epochMax &&
      typeof record.endpoint === "string" &&
      !record.endpoint.includes("\0") &&
      isSecret(record.token) &&
      isSecret(record.rootId);
    return complete ? record : undefined;
  } catch {
    return undefined;
  }
}

function isNatural(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSecret(value: unknown): boolean {
  return typeof value === "string" && value.length <= secretLengthMax;
}

function notAFile(path: string): LioranError {
  return new LioranError("ROOT_INVALID", `${path} is not a regular file; remove it.`);
}

function openFailure(path: string, error: unknown): LioranError {
  const { code, message } = error as NodeJS.ErrnoException;
  // A folder, a link, a socket.
  if (code === "EISDIR" || code === "ELOOP" || code === "ENXIO") return notAFile(path);
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new LioranError(
      "PERMISSION",
      `No permission to write ${path}. Give this user access to the folder, or open the root with ipc: "readonly".`,
      { cause: error },
    );
  }
  return new LioranError("IO", `Cannot open ${path}: ${message}`, { cause: error });
}
