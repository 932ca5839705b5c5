/**
 * A disk that a trace is played to, and that can lose its power at any moment.
 *
 * What it promises is no more than POSIX does:
 *
 * - What a flush of a file found written is there afterwards, with the size that it needs.
 * - What a write through O_DSYNC has written is there when it has returned; nothing else is because of it.
 * - Names that were made, changed or removed in a folder are so after a flush of that folder; a rename happens wholly or not.
 * - Of everything else each write is there wholly, in some of its sectors, or not at all, whatever became of those before
 *   it; behind the old end of the file zeros may stand for what it wrote.
 *
 * - Of a file that is written through a map, nothing is known but its size.
 *
 * A sector of 512 bytes is never torn.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Random } from "../../support/soak.js";
import type { Begin, Call, Event } from "./trace.js";

const sectorBytes = 512;
const pageBytes = 4096;

/** Something that may be lost while it is pending. */
interface Change<T> {
  readonly what: T;
  /** Whether the call that made it has returned. */
  isDone: boolean;
  /** Whether it can be lost no more. */
  isSafe: boolean;
}

/** A write, or a new size. */
type FileChange = { at: number; data: Buffer } | { size: number };
/** A name that leads to a node from now on, and one that leads nowhere. */
type FolderChange = { add?: [name: string, node: Node]; remove?: string };

interface File {
  readonly kind: "file";
  isMapped: boolean;
  safe: Buffer;
  readonly pending: Change<FileChange>[];
}

interface Folder {
  readonly kind: "folder";
  readonly safe: Map<string, Node>;
  readonly pending: Change<FolderChange>[];
  /** What the running system sees. */
  readonly seen: Map<string, Node>;
}

type Node = File | Folder;

/** How much of what is pending is there after all. */
export interface Fate {
  keeps(change: FileChange | FolderChange): boolean;
  /** Whether each sector of a write that is kept is so by chance. */
  tears(): boolean;
  /** Whether a sector of a torn write is there. */
  hasSector(): boolean;
  /** What a page of a file holds that is written through a map. */
  mappedByte(): number;
}

/** The least that is promised: what was not flushed is gone. */
export const leastFate: Fate = {
  keeps: () => false,
  tears: () => false,
  hasSector: () => false,
  mappedByte: () => 0,
};

export class Disk {
  readonly #base: string;
  readonly #root: Folder = newFolder();
  /** Calls under way: what to do at their end. */
  readonly #underWay = new Map<string, () => void>();
  /** Files that were mapped for writing. */
  readonly mapped = new Set<string>();

  /** @param base the folder that was traced; it is there from the beginning, and empty */
  constructor(base: string) {
    this.#base = base;
  }

  apply(event: Event): void {
    if (event.kind === "begin") this.#underWay.set(event.id, this.#begin(event));
    if (event.kind !== "end") return;
    const end = this.#underWay.get(event.id);
    this.#underWay.delete(event.id);
    if (event.result >= 0) end?.();
    else if (event.call === "write" || event.call === "writeSynced") {
      throw new Error("The trace has a write that failed");
    }
  }

  /** @returns what its success means */
  #begin(event: Begin): () => void {
    const { call, path, at, data } = event;
    if (call === "mapWritable") {
      this.mapped.add(path);
      this.#file(path).isMapped = true;
    }
    if (call === "write" || call === "writeSynced") {
      const change = pend<FileChange>(this.#file(path), { at, data });
      return () => finish(change, call === "writeSynced");
    }
    if (call === "flush") {
      const node = this.#find(path);
      const covered = (node?.pending ?? []).filter(({ isDone }) => isDone);
      return () => {
        for (const change of covered) change.isSafe = true;
      };
    }
    // What may have failed changes the names at its end; until then, nothing relies on it.
    return () => this.#changeNames(call, event);
  }

  #changeNames(call: Call, { path, to, at }: Begin): void {
    const [folder, name] = this.#place(path);
    const change = (what: FolderChange) => finish(pend<FolderChange>(folder, what), false);
    if (call === "mkdir" || (call === "open" && !folder.seen.has(name))) {
      const node = call === "mkdir" ? newFolder() : newFile();
      folder.seen.set(name, node);
      change({ add: [name, node] });
    } else if (call === "rename") {
      const [target, newName] = this.#place(to);
      if (target !== folder) throw new Error("A rename between folders is not modelled");
      const node = folder.seen.get(name);
      if (!node) return; // A socket: it is bound, not created.
      folder.seen.delete(name);
      folder.seen.set(newName, node);
      change({ add: [newName, node], remove: name });
    } else if (call === "unlink" || call === "rmdir") {
      if (folder.seen.delete(name)) change({ remove: name });
    } else if (call === "truncate") {
      finish(pend<FileChange>(this.#file(path), { size: at }), false);
    } else if (call === "allocate") {
      throw new Error("fallocate is not modelled");
    }
  }

  /** The content of a file as the running system sees it. */
  content(path: string): Buffer {
    return settle(this.#file(path));
  }

  /** Writes what is left after a power loss into a folder. */
  losePower(fate: Fate, into: string): void {
    compact(this.#root);
    store(this.#root, into, fate);
  }

  #place(path: string): [folder: Folder, name: string] {
    const folder = this.#find(dirname(path));
    if (folder?.kind !== "folder") throw new Error(`The trace knows no folder ${dirname(path)}`);
    return [folder, path.slice(dirname(path).length + 1)];
  }

  #file(path: string): File {
    const file = this.#find(path);
    if (file?.kind !== "file") throw new Error(`The trace knows no file ${path}`);
    return file;
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.slice(this.#base.length).split("/").filter(Boolean)) {
      node = node?.kind === "folder" ? node.seen.get(name) : undefined;
    }
    return node;
  }
}

function newFile(): File {
  return { kind: "file", isMapped: false, safe: Buffer.alloc(0), pending: [] };
}

function newFolder(): Folder {
  return { kind: "folder", safe: new Map(), pending: [], seen: new Map() };
}

function pend<T>({ pending }: { pending: Change<T>[] }, what: T): Change<T> {
  const change = { what, isDone: false, isSafe: false };
  pending.push(change);
  return change;
}

function finish(change: Change<unknown>, isSafe: boolean): void {
  change.isDone = true;
  if (isSafe) change.isSafe = true;
}

/** One of several kinds of disks: some keep nearly all, some next to nothing, some only the small writes, or the large. */
export function someFate(random: Random): Fate {
  const isSmall = (change: FileChange | FolderChange) =>
    !("data" in change) || change.data.length < sectorBytes;
  const part = random.pick([0, 0.1, 0.5, 0.9, 1]);
  const tornPart = random.pick([0, 0.2]);
  const kind = random.below(4);
  return {
    keeps: (change) => {
      if (kind === 0) return isSmall(change);
      if (kind === 1) return !isSmall(change);
      return random.next() < part;
    },
    tears: () => random.next() < tornPart,
    hasSector: () => random.below(2) === 0,
    mappedByte: () => random.pick([0, random.below(256)]),
  };
}

/** Takes over what can be lost no more. Behind something that can, the order matters: it waits. */
function compact(node: Node): void {
  if (node.kind === "file") {
    const first = node.pending.findIndex(({ isSafe }) => !isSafe);
    const safe = node.pending.splice(0, first < 0 ? node.pending.length : first);
    if (safe.length > 0) node.safe = settle({ ...node, pending: safe });
    return;
  }
  while (node.pending[0]?.isSafe) enter(node.safe, node.pending.shift()!.what);
  for (const child of new Set([...node.seen.values(), ...node.safe.values()])) compact(child);
}

function enter(names: Map<string, Node>, { add, remove }: FolderChange): void {
  if (remove !== undefined) names.delete(remove);
  if (add) names.set(...add);
}

function store(folder: Folder, into: string, fate: Fate): void {
  mkdirSync(into, { recursive: true });
  const names = new Map(folder.safe);
  for (const { what, isSafe } of folder.pending) {
    if (isSafe || fate.keeps(what)) enter(names, what);
  }
  for (const [name, node] of names) {
    if (node.kind === "folder") store(node, join(into, name), fate);
    else writeFileSync(join(into, name), settle(node, fate));
  }
}

/** What a file is in the end; with all that was written, unless a fate takes some of it. */
function settle({ safe, pending, isMapped }: File, fate?: Fate): Buffer {
  let size = safe.length;
  const bytes = Buffer.alloc(
    pending.reduce((end, { what }) => Math.max(end, endOf(what)), safe.length),
  );
  safe.copy(bytes);
  for (const { what, isSafe } of pending) {
    if (!isSafe && fate && !fate.keeps(what)) continue;
    if ("size" in what) {
      bytes.fill(0, Math.min(size, what.size));
      size = what.size;
      continue;
    }
    if (!isSafe && fate?.tears()) tear(what, bytes, fate);
    else what.data.copy(bytes, what.at);
    size = Math.max(size, what.at + what.data.length);
  }
  if (isMapped && fate) {
    for (let at = 0; at < size; at += pageBytes) {
      bytes.fill(fate.mappedByte(), at, Math.min(at + pageBytes, size));
    }
  }
  return bytes.subarray(0, size);
}

/** Writes some of the sectors. Those that are missing behind the old end are zeros. */
function tear({ at, data }: { at: number; data: Buffer }, bytes: Buffer, fate: Fate): void {
  for (let from = at; from < at + data.length; ) {
    const to = Math.min(from - (from % sectorBytes) + sectorBytes, at + data.length);
    if (fate.hasSector()) data.copy(bytes, from, from - at, to - at);
    from = to;
  }
}

function endOf(change: FileChange): number {
  return "size" in change ? change.size : change.at + change.data.length;
}
