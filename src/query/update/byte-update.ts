/**
 * Updates that are made where the document lies encoded: numbers that are increased and fields that get
 * another scalar, which is what most updates do. The result is, byte for byte, what decoding the document,
 * updating and encoding it gives; wherever that is not plain to see, the answer is to do so.
 */
import { encode, encodePooled } from "../../cbor/codec.js";
import { liesAt } from "../../cbor/field-name.js";
import { readItem } from "../../cbor/read-item.js";
import { headerBytes, MAJOR_MAP, readLength, skip } from "../../cbor/scan.js";
import { documentBytesMax } from "../../limits.js";
import { memberAt, type WantedMember, wantedMembers } from "../../storage/field-reader.js";
import { type Document, isPlainObject } from "../../values/document.js";
import { isIndex } from "../path.js";

export interface ByteUpdate {
  /** The top-level fields that it may change. */
  readonly fields: readonly string[];
  /**
   * @param stored one whole document
   * @returns the document after the update, `stored` itself when nothing changes, or nothing when only the
   *   decoded document can tell
   */
  apply(stored: Uint8Array): Uint8Array | undefined;
}

/** What happens to one field. */
interface Step {
  /** One bit of its own among the steps of the update. */
  readonly bit: number;
  /** The encoded value after the update where the field is missing. */
  readonly whenMissing: Uint8Array;
  /** The encoded value for the one at `start`; {@link same} when it stays; nothing when it is of another kind. */
  change(bytes: Uint8Array, start: number): Uint8Array | undefined;
}

/** A part of a document, and what takes its place. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

/** An update of more fields than this is as fast on the decoded document. */
const fieldsMax = 8;
/** A longer text would be in memory twice, for as long as the update waits for its turn. */
const textLengthMax = 1_024;
const same = new Uint8Array(0);

/**
 * Compiles an update that `parseUpdate` has accepted, or nothing when it does more than this file can.
 *
 * @param update operators by name
 */
export function compileByteUpdate(update: Document): ByteUpdate | undefined {
  const steps: [string, Step][] = [];
  for (const name of Object.keys(update)) {
    const compile = compilers[name];
    const operands = update[name];
    if (!compile || !isPlainObject(operands)) return undefined;
    for (const field of Object.keys(operands)) {
      if (!isPlainName(field) || steps.length === fieldsMax) return undefined;
      const step = compile(operands[field], 1 << steps.length);
      if (!step) return undefined;
      steps.push([field, step]);
    }
  }
  if (steps.length === 0) return undefined;
  const wanted = wantedMembers(steps);
  return {
    fields: steps.map(([field]) => field),
    apply: (stored) => apply(stored, wanted),
  };
}

type CompileStep = (operand: unknown, bit: number) => Step | undefined;

const compilers: Readonly<Record<string, CompileStep | undefined>> = Object.assign(
  Object.create(null),
  { $inc: increase, $set: set },
);

/** Names of positions come first in every object, so another field of that kind may have to move. */
function isPlainName(field: string): boolean {
  return field !== "_id" && !/[.$\0]/.test(field) && !isIndex(field);
}

function increase(amount: unknown, bit: number): Step | undefined {
  if (typeof amount !== "number") return undefined;
  return {
    bit,
    whenMissing: encodePooled(amount),
    change(bytes, start) {
      const before = numberAt(bytes, start);
      if (before === undefined) return undefined;
      const after = before + amount;
      return Object.is(before, after) ? same : encodePooled(after);
    },
  };
}

/** The number at `start`; nothing for any other value, also for a bigint. */
function numberAt(bytes: Uint8Array, start: number): number | undefined {
  const head = bytes[start]!;
  const isNumber = head < 0x1b || (head >= 0x20 && head < 0x3b) || head === 0xfb;
  return isNumber ? (readItem(bytes, start) as number) : undefined;
}

function set(operand: unknown, bit: number): Step | undefined {
  const value = operand ?? null;
  if (!isShortScalar(value)) return undefined;
  const encoded = encode(value);
  return {
    bit,
    whenMissing: encoded,
    change: (bytes, start) => (liesAt(encoded, bytes, start) ? same : encoded),
  };
}

function isShortScalar(value: unknown): boolean {
  switch (typeof value) {
    case "string":
      return value.length <= textLengthMax;
    case "number":
    case "boolean":
      return true;
    default:
      // What is no time is refused with the rest of the document.
      return value === null || (value instanceof Date && !Number.isNaN(value.getTime()));
  }
}

function apply(
  stored: Uint8Array,
  wanted: ReturnType<typeof wantedMembers<Step>>,
): Uint8Array | undefined {
  const head = stored[0]!;
  if (head >> 5 !== MAJOR_MAP) return undefined;
  const pieces: Piece[] = [];
  let found = 0;
  let at = headerBytes(head);
  for (let left = readLength(stored, 0); left > 0; left--) {
    const member = memberAt(wanted, stored, at);
    if (member === undefined) {
      at = skip(stored, skip(stored, at));
      continue;
    }
    const { what } = member;
    // A name that is there twice is none of ours.
    if ((found & what.bit) !== 0) return undefined;
    found |= what.bit;
    const from = at + member.bytes.length;
    const bytes = what.change(stored, from);
    if (bytes === undefined) return undefined;
    at = skip(stored, from);
    if (bytes !== same) pieces.push({ from, to: at, bytes });
  }
  // What is behind it, or missing, is not for us to judge.
  if (at !== stored.length) return undefined;
  const result = withMissing(replaced(stored, pieces), wanted.members, found);
  return result && result.length <= documentBytesMax ? result : undefined;
}

/** `stored` itself when there are no pieces. */
function replaced(stored: Uint8Array, pieces: readonly Piece[]): Uint8Array {
  if (pieces.length === 0) return stored;
  let { length } = stored;
  for (const { from, to, bytes } of pieces) length += bytes.length - (to - from);
  const result = Buffer.allocUnsafe(length);
  if (length === stored.length && pieces.length === 1) {
    result.set(stored);
    result.set(pieces[0]!.bytes, pieces[0]!.from);
    return result;
  }
  let end = 0;
  let at = 0;
  for (const { from, to, bytes } of pieces) {
    result.set(stored.subarray(at, from), end);
    end += from - at;
    result.set(bytes, end);
    end += bytes.length;
    at = to;
  }
  result.set(stored.subarray(at), end);
  return result;
}

/** Adds the field that was not found behind the others. Of several, it is not for us to say in which order they come. */
function withMissing(
  document: Uint8Array,
  members: readonly WantedMember<Step>[],
  found: number,
): Uint8Array | undefined {
  const missing = members.filter(({ what }) => (found & what.bit) === 0);
  if (missing.length === 0) return document;
  if (missing.length > 1) return undefined;
  // The last byte of a header counts; where it is full, the header grows.
  const counter = headerBytes(document[0]!) - 1;
  const isFull = counter === 0 ? (document[0]! & 0x1f) === 23 : document[counter] === 0xff;
  if (isFull) return undefined;
  const [{ bytes, what }] = missing as [WantedMember<Step>];
  const result = Buffer.concat([document, bytes, what.whenMissing]);
  result[counter]! += 1;
  return result;
}
