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
  for (let { depth } = mainTree; depth > 0; depth -= 1) {
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
 * until there are enough, or no more.
 *
 * @param low no key up to this one
 * @param high no key from this one on
 */
export function branchKeys(
  tree: PageTree,
  [low, high]: readonly [low: Uint8Array, high: Uint8Array],
  enough: number,
  read: (page: number) => Buffer,
): Buffer[] {
  const isBetween = ({ first }: Branch) =>
    first !== undefined && Buffer.compare(first, low) > 0 && Buffer.compare(first, high) < 0;
  let level: Branch[] = [{ page: tree.root, first: undefined }];
  for (let { depth } = tree; depth > 1 && level.length <= enough; depth -= 1) {
    level = level.flatMap((branch) => branchesOf(branch, read));
    level = level.filter(({ first }, at) => {
      const next = level[at + 1]?.first;
      const isBefore = next !== undefined && Buffer.compare(next, low) <= 0;
      const isBehind = first !== undefined && Buffer.compare(first, high) >= 0;
      return !isBefore && !isBehind;
    });
  }
  return level.filter(isBetween).map(({ first }) => first!);
}

function branchesOf({ page, first }: Branch, read: (page: number) => Buffer): Branch[] {
  const bytes = read(Number(page));
  // The first key of a branch is not kept on its page.
  return nodesOf(bytes).map((node, n) => ({
    page: childOf(bytes, node),
    first: n === 0 ? first : keyOf(bytes, node),
  }));
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
