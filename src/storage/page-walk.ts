/**
 * Walks over the pages of LMDB's trees in a file, to find out whether it has them all. LMDB itself is not asked: it
 * would map the file, and die where it ends.
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
