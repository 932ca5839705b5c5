/**
 * Looks at `data.mdb` before LMDB maps it. LMDB trusts the file: a page that lies behind its end is a SIGBUS in whoever
 * reads it, a wrong page size a SIGSEGV, and an empty file a new database. What can be seen cheaply is seen here: the
 * two meta pages, and whether the file has the pages that they speak of.
 *
 * Only reads, so that any process may look, also while another one commits.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { LioranError } from "../errors.js";
import { depthMax, type PageTree, unreachablePage } from "./page-walk.js";
import { withoutWaiting } from "./small-file.js";

export const dataFileName = "data.mdb";

/** https://github.com/LMDB/lmdb, mdb.c: MDB_page_header and MDB_meta, of files with 64-bit page numbers. */
const at = { flags: 18, magic: 24, version: 28, pageBytes: 48, freeTree: 48, mainTree: 96 };
const atLastPage = 144;
const atCommit = 152;
const metaBytes = 168;
/** Within the record of a tree (MDB_db). */
const depthAt = 6;
const rootAt = 40;

const metaFlag = 0x08;
const magic = 0xbeefc0de;
const dataVersion = 2;
const pageBytesMin = 512;
const pageBytesMax = 0x10000;
const noPage = 0xffff_ffff_ffff_ffffn;
/** A commit may be under way: what looks wrong counts when it looks the same twice in a row. */
const looksMax = 100;
/** The same for the walk over all pages, which takes longer. */
const walksMax = 5;

/** A meta page: the state of the database as of one commit. */
interface Meta {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly commit: number;
  readonly trees: readonly PageTree[];
}

/**
 * Refuses links in the place of a database and of its files. What they lead to may belong to another root, whose
 * primary knows nothing of ours; and LMDB would write into any file that is called `lock.mdb`.
 *
 * @throws ROOT_INVALID
 */
export function refuseLinks(folder: string): void {
  for (const path of [folder, join(folder, dataFileName), join(folder, "lock.mdb")]) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (!found || (path === folder ? found.isDirectory() : found.isFile())) continue;
    const what = found.isSymbolicLink() ? "is a symbolic link" : "is not what belongs there";
    throw new LioranError(
      "ROOT_INVALID",
      `${path} ${what}. Databases lie in their root, and only a root itself may be a link.`,
    );
  }
}

/** Whether there is a file with something in it: LMDB makes a new one of an empty one. */
export function hasData(folder: string): boolean {
  return (statSync(join(folder, dataFileName), { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/**
 * Checks the file of a database that exists.
 *
 * @throws CORRUPTED, naming the file; PERMISSION, IO
 */
export function checkDataFile(folder: string): void {
  const path = join(folder, dataFileName);
  withFile(path, (fd) => {
    const isFile = fstatSync(fd).isFile();
    const why = isFile ? (faultOfMetas(fd) ?? faultOfLength(fd)) : "it is no regular file";
    if (why) throw damagedFile(path, why);
  });
}

/**
 * What somebody finds who looks at the pages of the latest commit, past LMDB. They stay as they are for as long as this
 * process has a snapshot.
 *
 * @throws CORRUPTED, PERMISSION, IO
 */
export function lookAtPages<T>(
  folder: string,
  look: (mainTree: PageTree, read: (page: number) => Buffer) => T,
): T {
  const path = join(folder, dataFileName);
  return withFile(path, (fd) => {
    const metas = readMetas(fd);
    const why = faultIn(metas);
    if (why) throw damagedFile(path, why);
    const { pageBytes, trees } = latest(metas);
    try {
      return look(trees[1]!, (page) => readAt(fd, page * pageBytes, pageBytes));
    } catch (error) {
      // What a page says leads out of it, or out of the file.
      if (error instanceof RangeError)
        throw damagedFile(path, "a page is not what it seems", error);
      throw error;
    }
  });
}

function withFile<T>(path: string, use: (fd: number) => T): T {
  const fd = open(path);
  try {
    return use(fd);
  } catch (error) {
    if (error instanceof LioranError) throw error;
    throw new LioranError("IO", `Cannot read ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    closeSync(fd);
  }
}

/** The error for a file of a database whose bytes are not what was written. */
export function damagedFile(path: string, why: string, cause?: unknown): LioranError {
  return new LioranError(
    "CORRUPTED",
    `The database is damaged: ${path}: ${why}. Restore it from a backup.`,
    { cause },
  );
}

function open(path: string): number {
  try {
    // A pipe in its place must not be waited for.
    return openSync(path, constants.O_RDONLY | withoutWaiting);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw damagedFile(path, "it is missing", error);
    if (code === "ENXIO") throw damagedFile(path, "it is no regular file", error);
    const isDenied = code === "EACCES" || code === "EPERM";
    throw new LioranError(isDenied ? "PERMISSION" : "IO", `Cannot read ${path}: ${message}`, {
      cause: error,
    });
  }
}

function faultOfMetas(fd: number): string | undefined {
  let last: Buffer | undefined;
  for (let look = 0; look < looksMax; look += 1) {
    const bytes = readMetas(fd);
    const why = faultIn(bytes);
    if (!why || last?.equals(bytes)) return why;
    last = bytes;
  }
  // It has changed all the time, so somebody works with it.
  return undefined;
}

/** Both meta pages, one behind the other; less where the file ends before. */
function readMetas(fd: number): Buffer {
  const first = readAt(fd, 0, metaBytes);
  if (first.length < metaBytes) return first;
  const pageBytes = first.readUInt32LE(at.pageBytes);
  return Buffer.concat([first, readAt(fd, pageBytes, metaBytes)]);
}

function faultIn(bytes: Buffer): string | undefined {
  const [first, second] = [bytes.subarray(0, metaBytes), bytes.subarray(metaBytes)];
  if (first.length < metaBytes) return `it has only ${first.length} bytes`;
  return (
    faultOfMeta(first, 0) ??
    (second.length < metaBytes ? "it ends before its second page" : undefined) ??
    faultOfMeta(second, 1) ??
    (pageBytesOf(first) === pageBytesOf(second)
      ? undefined
      : "its first pages differ in the size of pages")
  );
}

function faultOfMeta(meta: Buffer, page: number): string | undefined {
  const isMeta = (meta.readUInt16LE(at.flags) & metaFlag) !== 0;
  if (!isMeta || meta.readUInt32LE(at.magic) !== magic) return `page ${page} is none of LMDB's`;
  const version = meta.readUInt32LE(at.version) & 0xffff;
  if (version !== dataVersion) return `page ${page} says that it has version ${version} of LMDB's`;
  const pageBytes = pageBytesOf(meta);
  const isPower = (pageBytes & (pageBytes - 1)) === 0;
  if (!isPower || pageBytes < pageBytesMin || pageBytes > pageBytesMax) {
    return `page ${page} says that pages have ${pageBytes} bytes`;
  }
  const commit = meta.readBigUInt64LE(atCommit);
  // Commits take turns with the two pages.
  if (commit !== 0n && Number(commit & 1n) !== page) {
    return `page ${page} is of commit ${commit}, which would be on the other one`;
  }
  const lastPage = meta.readBigUInt64LE(atLastPage);
  if (lastPage < 1n || lastPage > BigInt(Number.MAX_SAFE_INTEGER) / BigInt(pageBytes)) {
    return `page ${page} says that the last page is ${lastPage}`;
  }
  for (const tree of [at.freeTree, at.mainTree]) {
    const root = meta.readBigUInt64LE(tree + rootAt);
    const depth = meta.readUInt16LE(tree + depthAt);
    const isEmpty = root === noPage;
    if (!isEmpty && (root < 2n || root > lastPage)) {
      return `page ${page} leads to page ${root} of ${lastPage}`;
    }
    if (isEmpty !== (depth === 0) || depth > depthMax) {
      return `page ${page} speaks of a tree of ${depth} levels`;
    }
  }
  return undefined;
}

/**
 * A file may be shorter than its last page says, where the pages that are missing are free: they have never been
 * written. So it is only then that all pages in use are looked for.
 */
function faultOfLength(fd: number): string | undefined {
  for (let walk = 0; walk < walksMax; walk += 1) {
    const before = readMetas(fd);
    const { pageBytes, lastPage, trees } = latest(before);
    const { size } = fstatSync(fd);
    if (size >= (lastPage + 1) * pageBytes) return undefined;
    const pages = Math.floor(size / pageBytes);
    const missing = unreachablePage(trees, pages, (page) =>
      readAt(fd, page * pageBytes, pageBytes),
    );
    if (missing === undefined) return undefined;
    // Pages of an older commit may be written again while they are walked over.
    if (readMetas(fd).equals(before)) {
      return `it ends after ${size} bytes, before page ${missing}, which is in use`;
    }
  }
  return undefined;
}

function latest(metas: Buffer): Meta {
  const [first, second] = [metas.subarray(0, metaBytes), metas.subarray(metaBytes)].map(metaOf);
  return second!.commit > first!.commit ? second! : first!;
}

function metaOf(bytes: Buffer): Meta {
  const trees = [at.freeTree, at.mainTree].map((tree): PageTree => {
    return {
      root: bytes.readBigUInt64LE(tree + rootAt),
      depth: bytes.readUInt16LE(tree + depthAt),
    };
  });
  return {
    pageBytes: pageBytesOf(bytes),
    lastPage: Number(bytes.readBigUInt64LE(atLastPage)),
    commit: Number(bytes.readBigUInt64LE(atCommit)),
    trees,
  };
}

function pageBytesOf(meta: Buffer): number {
  return meta.readUInt32LE(at.pageBytes);
}

function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, position));
}
