/**
 * Which characters a class, an escape or a letter with flag `i` stands for. V8 itself is asked, so there
 * is no second opinion about Unicode: it searches a text of all characters for runs of members.
 */
import { regexSetsCachedMax } from "../../limits.js";
import type { RegexNode } from "./syntax.js";

/** Ranges in order: first, last, first, last ... Code points with flag `u`, else UTF-16 units. */
export type CharacterSet = readonly number[];

type SetNode = RegexNode & { kind: "set" };

const cache = new Map<string, CharacterSet>();

export function characterSet({ source, char }: SetNode, flags: string): CharacterSet {
  if (char !== undefined && !flags.includes("i")) return [char, char];
  const relevant = flags.replace(/[^isu]/g, "");
  const key = `${relevant} ${source}`;
  let set = cache.get(key);
  if (!set) {
    set = char === undefined ? membersOf(source, relevant) : caseVariants(source, char, relevant);
    if (cache.size >= regexSetsCachedMax) cache.clear();
    cache.set(key, set);
  }
  return set;
}

export function areDisjoint(a: CharacterSet, b: CharacterSet): boolean {
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i + 1]! < b[j]!) i += 2;
    else if (b[j + 1]! < a[i]!) j += 2;
    else return false;
  }
  return true;
}

export function union(a: CharacterSet, b: CharacterSet): CharacterSet {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const ranges: number[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const fromA = j >= b.length || (i < a.length && a[i]! <= b[j]!);
    if (fromA) append(ranges, a[i]!, a[i + 1]!);
    else append(ranges, b[j]!, b[j + 1]!);
    if (fromA) i += 2;
    else j += 2;
  }
  return ranges;
}

export function contains(set: CharacterSet, char: number): boolean {
  return !areDisjoint(set, [char, char]);
}

function append(ranges: number[], first: number, last: number): void {
  const end = ranges.length - 1;
  if (end > 0 && first <= ranges[end]! + 1) ranges[end] = Math.max(ranges[end]!, last);
  else ranges.push(first, last);
}

interface Block {
  readonly first: number;
  readonly text: string;
}

const blocksByWidth = new Map<boolean, Block[]>();

/** All characters, in blocks in which no two surrogates meet that would form a pair. */
function allBlocks(wide: boolean): Block[] {
  let blocks = blocksByWidth.get(wide);
  if (!blocks) {
    blocks = [
      block(0, 0xd7ff),
      block(0xd800, 0xdbff),
      block(0xdc00, 0xdfff),
      block(0xe000, 0xffff),
    ];
    for (let first = 0x10000; wide && first < 0x110000; first += 0x10000) {
      blocks.push(block(first, first + 0xffff));
    }
    blocksByWidth.set(wide, blocks);
  }
  return blocks;
}

function block(first: number, last: number): Block {
  const characters = Array.from({ length: last - first + 1 }, (_, at) =>
    String.fromCodePoint(first + at),
  );
  return { first, text: characters.join("") };
}

/**
 * Whether it may have members above U+FFFF: by naming them, by excluding others, by a property. Asking
 * for those takes a hundred times as long.
 */
export function isWide(source: string, flags: string): boolean {
  return flags.includes("u") && /^\.$|^\[\^|\\[pPDWSu]|[^\0-\x7f]/.test(source);
}

function membersOf(source: string, flags: string): CharacterSet {
  const run = new RegExp(`(?:${source})+`, `${flags}g`);
  const ranges: number[] = [];
  for (const { first, text } of allBlocks(isWide(source, flags))) {
    const width = first > 0xffff ? 2 : 1;
    for (const found of text.matchAll(run)) {
      const start = first + found.index / width;
      append(ranges, start, start + found[0].length / width - 1);
    }
  }
  return ranges;
}

let cased: string | undefined;

/** Looks only at the characters that have cases, all of which are in the first two planes. */
function caseVariants(source: string, char: number, flags: string): CharacterSet {
  cased ??= allBlocks(true)
    .filter(({ first }) => first < 0x20000)
    .flatMap(({ text }) => [...text])
    .filter((one) => one.toLowerCase() !== one || one.toUpperCase() !== one)
    .join("");
  const unicode = flags.includes("u");
  const found = cased.match(new RegExp(source, `${flags}g`)) ?? [];
  const chars = new Set(found.map((one) => (unicode ? one.codePointAt(0)! : one.charCodeAt(0))));
  const sorted = [...chars.add(char)].sort((a, b) => a - b);
  const ranges: number[] = [];
  for (const one of sorted) append(ranges, one, one);
  return ranges;
}
