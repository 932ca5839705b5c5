/**
 * Reads a few fields straight out of a stored document. What a filter does not look at is stepped over
 * without becoming a value, which is most of the work of a scan.
 */
import { encode } from "../cbor/codec.js";
import { liesAt } from "../cbor/field-name.js";
import { itemEnd, readItem } from "../cbor/read-item.js";
import {
  damagedItem,
  headerBytes,
  MAJOR_ARRAY,
  MAJOR_MAP,
  readLength,
  skip,
} from "../cbor/scan.js";
import type { Document } from "../values/document.js";

/** Reads the document that begins at `start`. What it returns shares no memory with `bytes`. */
export type FieldReader = (bytes: Uint8Array, start: number) => Document;

/** The members of a map that are wanted. */
export interface WantedMembers<T> {
  readonly members: readonly WantedMember<T>[];
  /** By the first byte of the encoded name, which tells most other names apart. */
  readonly byHead: readonly (readonly WantedMember<T>[] | undefined)[];
}

export interface WantedMember<T> {
  /** The name as it lies in a map, header included. */
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly what: T;
}

/** Everything, or these members of it. */
type Extent = "whole" | Members;
interface Members extends WantedMembers<Extent> {
  /** A member named like a position: in an array it may mean an element. */
  readonly hasPosition: boolean;
}

/**
 * Compiles a reader of the values below the given paths: a document that answers every question on
 * one of these paths as the whole document does. Of a map on the way it holds the wanted members, and of
 * an array every element, those that are maps with the wanted members only.
 *
 * The names in a stored map differ: our encoders write no name twice.
 */
export function compileFieldReader(paths: readonly (readonly string[])[]): FieldReader {
  const wanted = compileMembers(paths);
  return (bytes, start) => {
    if (bytes[start]! >> 5 !== MAJOR_MAP) throw damagedItem();
    return readWanted(bytes, start, wanted);
  };
}

function compileMembers(paths: readonly (readonly string[])[]): Members {
  const byName = new Map<string, (readonly string[])[]>();
  for (const [name, ...rest] of paths) {
    const below = byName.get(name!);
    if (below) below.push(rest);
    else byName.set(name!, [rest]);
  }
  const wanted = Array.from(byName, ([name, below]): [string, Extent] => [
    name,
    below.some((path) => path.length === 0) ? "whole" : compileMembers(below),
  ]);
  const hasPosition = wanted.some(([name]) => /^\d+$/.test(name));
  return { ...wantedMembers(wanted), hasPosition };
}

export function wantedMembers<T>(wanted: readonly (readonly [string, T])[]): WantedMembers<T> {
  const members = wanted.map(([name, what]) => ({ name, bytes: encode(name), what }));
  const byHead = new Array<WantedMember<T>[] | undefined>(256).fill(undefined);
  for (const member of members) {
    const head = member.bytes[0]!;
    byHead[head] = [...(byHead[head] ?? []), member];
  }
  return { members, byHead };
}

/** The wanted member whose name lies at `start`. */
export function memberAt<T>(
  wanted: WantedMembers<T>,
  bytes: Uint8Array,
  start: number,
): WantedMember<T> | undefined {
  const candidates = wanted.byHead[bytes[start]!];
  return candidates && findMember(candidates, bytes, start);
}

function findMember<T>(
  candidates: readonly WantedMember<T>[],
  bytes: Uint8Array,
  start: number,
): WantedMember<T> | undefined {
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i]!;
    if (liesAt(candidate.bytes, bytes, start)) return candidate;
  }
  return undefined;
}

function readWanted(bytes: Uint8Array, start: number, wanted: Members): Document {
  const found: Document = {};
  let missing = wanted.members.length;
  let at = start + headerBytes(bytes[start]!);
  for (let left = readLength(bytes, start); left > 0 && missing > 0; left--) {
    const member = memberAt(wanted, bytes, at);
    if (member === undefined) {
      at = skip(bytes, skip(bytes, at));
      continue;
    }
    at += member.bytes.length;
    found[member.name] = readExtent(bytes, at, member.what);
    missing -= 1;
    at = member.what === "whole" ? itemEnd : skip(bytes, at);
  }
  return found;
}

function readExtent(bytes: Uint8Array, start: number, extent: Extent): unknown {
  if (extent === "whole") return readItem(bytes, start);
  switch (bytes[start]! >> 5) {
    case MAJOR_MAP:
      return readWanted(bytes, start, extent);
    case MAJOR_ARRAY:
      return extent.hasPosition ? readItem(bytes, start) : readElements(bytes, start, extent);
    default:
      return readItem(bytes, start);
  }
}

/** A path enters the maps of an array, and an array inside of it only by position. */
function readElements(bytes: Uint8Array, start: number, wanted: Members): unknown[] {
  const elements: unknown[] = [];
  let at = start + headerBytes(bytes[start]!);
  for (let left = readLength(bytes, start); left > 0; left--) {
    const isMap = bytes[at]! >> 5 === MAJOR_MAP;
    elements.push(isMap ? readWanted(bytes, at, wanted) : readItem(bytes, at));
    at = skip(bytes, at);
  }
  return elements;
}
