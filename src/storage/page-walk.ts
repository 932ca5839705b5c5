/**
 * Walks over the pages of LMDB's trees in a file: to find out whether it has them all, when LMDB itself cannot be
 * asked, because it would map the file and die where it ends; and where a tree branches, which LMDB does not tell.
 *
 * https://github.com/LMDB/lmdb, mdb.c: MDB_page_header, MDB_node, MDB_db, MDB_ovpage.
 */

/** A tree: its first page, and how many levels it has. */
export interface PageTree {
  readonly root: bigint;
  readonly depth: number;
}

/** CURSOR_STACK: LMDB goes no deeper. */
export const depthMax = 32;
const noPage = 0xffff_ffff_ffff_ffffn;
const headerBytes = 24;
const flagsAt = 18;
const lowerAt = 20;
const branchFlag = 0x01;
const leafFlag = 0x02;
const nodeHeaderBytes = 8;
/** The value of a node lies on pages of its own; or it is the record of a named database. */
const overflowFlag = 0x01;
const treeFlag = 0x02;
const treeBytes = 48;
const depthAt = 6;
const rootAt = 40;
const overflowPagesAt = 16;

/**
 * The first page in use that the file does not have.
 *
 * @param pages that the file has
 * @param read one of them
 */
export function unreachablePage(
  trees: readonly PageTree[],
  pages: number,
  read: (page: number) => Buffer,
): bigint | undefined {
  const left = [...trees];
  // Each page in use belongs to one place: more looks than pages go round in circles.
  for (let looks = 0; left.length > 0; looks += 1) {
    const { root, depth } = left.pop()!;
    if (root === noPage) continue;
    if (root >= BigInt(pages) || depth < 1 || looks > pages) return root;
    const page = read(Number(root));
    const flags = page.readUInt16LE(flagsAt);
    // The key size of pages without nodes is none of ours: we store no duplicates.
    if (flags & branchFlag) {
      for (const node of nodesOf(page)) left.push({ root: childOf(page, node), depth: depth - 1 });
    } else if (flags & leafFlag) {
      for (const node of nodesOf(page)) {
        const beyond = beyondLeaf(page, node, pages);
        if (typeof beyond === "bigint") return beyond;
        if (beyond) left.push(beyond);
      }
    } else return root;
  }
  return undefined;
}

/** The tree of a named database, if it has pages. */
export function namedTree(
  mainTree: PageTree,
  name: string,
  read: (page: number) => Buffer,
): PageTree | undefined {
  // lmdb-js ends names with a zero.
  const key = Buffer.from(`${name}\0`);
  let { root } = mainTree;
  for (let depth = levelsOf(mainTree); depth > 0; depth -= 1) {
    const page = read(Number(root));
    const nodes = nodesOf(page);
    if (depth === 1) {
      const node = nodes.find((at) => keyOf(page, at).equals(key));
      const found =
        node === undefined ? undefined : beyondLeaf(page, node, Number.MAX_SAFE_INTEGER);
      return typeof found === "object" && found.root !== noPage ? found : undefined;
    }
    const behind = nodes.findIndex((at, n) => n > 0 && Buffer.compare(keyOf(page, at), key) > 0);
    root = childOf(page, nodes.at(behind === -1 ? -1 : behind - 1)!);
  }
  return undefined;
}

/** What a branch leads to: the keys from `first` on, or all that come before those of the next one. */
interface Branch {
  readonly page: bigint;
  readonly first: Buffer | undefined;
}

/**
 * Keys between which a tree branches, in order: between each two of them lie about as many pages. Goes down from the root
 * until there are enough. Of a damaged tree they can be anything.
 *
 * @param low nothing is wanted of what lies before this key
 * @param high nor from this one on
 * @param enough there are less than twice as many
 * @throws RangeError when a page is none of a tree
 */
export function branchKeys(
  tree: PageTree,
  [low, high]: readonly [low: Uint8Array, high: Uint8Array],
  enough: number,
  read: (page: number) => Buffer,
): Buffer[] {
  let level: Branch[] = [{ page: tree.root, first: undefined }];
  let step = 1;
  for (let depth = levelsOf(tree); depth > 1 && level.length < enough && step === 1; depth -= 1) {
    if (level.length === 0) return [];
    const pages = level.map((branch) => branchPage(branch, read));
    dropBefore(pages[0]!, low);
    dropFrom(pages.at(-1)!, high);
    const count = pages.reduce((sum, { nodes }) => sum + nodes.length, 0);
    // These are more than enough: nothing below them is looked at.
    step = Math.max(1, Math.floor(count / enough));
    level = [];
    let at = 0;
    for (const page of pages) {
      for (const node of page.nodes) {
        if (at % step === 0)
          level.push({ page: childOf(page.bytes, node), first: page.keyOf(node) });
        at += 1;
      }
    }
  }
  return level.flatMap(({ first }) => first ?? []);
}

interface BranchPage {
  readonly bytes: Buffer;
  nodes: number[];
  keyOf(node: number): Buffer | undefined;
}

function branchPage({ page, first }: Branch, read: (page: number) => Buffer): BranchPage {
  const bytes = read(Number(page));
  if ((bytes.readUInt16LE(flagsAt) & branchFlag) === 0) throw new RangeError("no branch");
  const nodes = nodesOf(bytes);
  // The first key of a branch is not kept on its page.
  const keyOfNode = (node: number) => (node === nodes[0] ? first : keyOf(bytes, node));
  return { bytes, nodes, keyOf: keyOfNode };
}

function dropBefore(page: BranchPage, low: Uint8Array): void {
  const isBehind = (node: number, at: number) =>
    at > 0 && Buffer.compare(keyOf(page.bytes, node), low) > 0;
  const behind = page.nodes.findIndex(isBehind);
  page.nodes = page.nodes.slice(behind === -1 ? -1 : behind - 1);
}

function dropFrom(page: BranchPage, high: Uint8Array): void {
  const behind = page.nodes.findIndex((node) => {
    const key = page.keyOf(node);
    return key !== undefined && Buffer.compare(key, high) >= 0;
  });
  if (behind !== -1) page.nodes = page.nodes.slice(0, behind);
}

function levelsOf({ root, depth }: PageTree): number {
  if (depth > depthMax) throw new RangeError("a tree of too many levels");
  return root === noPage ? 0 : depth;
}

function keyOf(page: Buffer, node: number): Buffer {
  const start = node + nodeHeaderBytes;
  return page.subarray(start, start + page.readUInt16LE(node + 6));
}

/**
 * Where the nodes of a page begin: it says so in a list behind its header, in positions that count from there too. A
 * node that cannot be is left out.
 */
function nodesOf(page: Buffer): number[] {
  const count = page.readUInt16LE(lowerAt) >> 1;
  const nodes: number[] = [];
  for (let n = 0; n < count && headerBytes + 2 * n + 2 <= page.length; n += 1) {
    const node = headerBytes + page.readUInt16LE(headerBytes + 2 * n);
    if (node + nodeHeaderBytes <= page.length) nodes.push(node);
  }
  return nodes;
}

/** Page number of a branch's node, which is where other nodes have the length of their value. */
function childOf(page: Buffer, node: number): bigint {
  const low = page.readUInt32LE(node);
  return BigInt(low) | (BigInt(page.readUInt16LE(node + 4)) << 32n);
}

/** @returns the tree that the node of a leaf holds, or a page of its value that the file does not have */
function beyondLeaf(page: Buffer, node: number, pages: number): PageTree | bigint | undefined {
  const flags = page.readUInt16LE(node + 4);
  const value = node + nodeHeaderBytes + page.readUInt16LE(node + 6);
  if (flags & treeFlag && value + treeBytes <= page.length) {
    return {
      root: page.readBigUInt64LE(value + rootAt),
      depth: page.readUInt16LE(value + depthAt),
    };
  }
  if (flags & overflowFlag && value + overflowPagesAt + 8 <= page.length) {
    const first = page.readBigUInt64LE(value);
    const end = first + page.readBigUInt64LE(value + overflowPagesAt);
    if (end > BigInt(pages)) return end - 1n;
  }
  return undefined;
}
