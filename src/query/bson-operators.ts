/**
 * Operators that ask what a value would be as BSON, which is not how it is stored here: its size, and the hash that
 * MongoDB's hashed indexes have of it (https://www.mongodb.com/docs/manual/reference/operator/aggregation/bsonSize/,
 * https://bsonspec.org/spec.html, https://www.mongodb.com/docs/manual/reference/operator/aggregation/toHashedIndexKey/).
 */
import { LioranError } from "../errors.js";
import { type Document, isSubdocument } from "../values/document.js";
import type { Numeric } from "./arithmetic.js";
import { evaluateList, type Operator } from "./language.js";
import { isMissing, isNumeric } from "./operand.js";
import { typeName } from "./type-names.js";

function argumentOf(name: string, [document, operand, options]: Parameters<Operator>): unknown {
  const values = evaluateList(document, operand, options);
  if (values.length === 1) return values[0];
  throw new LioranError("FAILED_TO_PARSE", `${name} takes exactly 1 argument.`);
}

const $binarySize: Operator = (...call) => {
  const value = argumentOf("$binarySize", call);
  if (isMissing(value)) return null;
  if (typeof value === "string") return Buffer.byteLength(value);
  if (value instanceof Uint8Array) return value.length;
  throw new LioranError(
    "BAD_VALUE",
    `$binarySize requires a string or binary data, not ${typeName(value)}.`,
  );
};

const $bsonSize: Operator = (...call) => {
  const value = argumentOf("$bsonSize", call);
  if (isMissing(value)) return null;
  if (isSubdocument(value)) return sizeOfMembers(value);
  throw new LioranError("BAD_VALUE", `$bsonSize requires an object, not ${typeName(value)}.`);
};

/** An array is an object whose names are positions. What an expression left missing is no member, or null in an array. */
function* membersOf(value: Document | unknown[]): Generator<[name: string, value: unknown]> {
  for (const [name, inner] of Object.entries(value)) {
    if (inner !== undefined || Array.isArray(value)) yield [name, inner];
  }
}

/** Around the members are the length and a byte at the end; around a name its type and NUL. */
function sizeOfMembers(value: Document | unknown[]): number {
  let size = 4 + 1;
  for (const [name, inner] of membersOf(value)) {
    size += 1 + Buffer.byteLength(name) + 1 + sizeOf(inner);
  }
  return size;
}

function sizeOf(value: unknown): number {
  if (Array.isArray(value) || isSubdocument(value)) return sizeOfMembers(value);
  if (isNumeric(value)) return typeName(value) === "int" ? 4 : 8;
  if (typeof value === "string") return 4 + Buffer.byteLength(value) + 1;
  if (value instanceof Uint8Array) return 4 + 1 + value.length;
  if (value instanceof RegExp) return Buffer.byteLength(value.source + value.flags) + 2;
  if (value instanceof Date) return 8;
  return typeof value === "boolean" ? 1 : 0;
}

/** BSON's types as MongoDB orders them: numbers are one type. */
const canonicalTypes: Readonly<Record<string, number>> = {
  missing: 5,
  null: 5,
  double: 10,
  int: 10,
  long: 10,
  string: 15,
  object: 20,
  array: 25,
  binData: 30,
  bool: 40,
  date: 45,
  regex: 50,
};
const endType = 0;
const hashSeed = 0;

const $toHashedIndexKey: Operator = (...call) => {
  // Loaded here, because hardly any expression needs it.
  const { createHash } = process.getBuiltinModule("node:crypto");
  const hash = createHash("md5").update(int32(hashSeed));
  addHashed(argumentOf("$toHashedIndexKey", call), "", (bytes) => hash.update(bytes));
  return hash.digest().readBigInt64LE();
};

/** @param name with its NUL; the outermost value has none */
function addHashed(value: unknown, name: string, add: (bytes: Uint8Array) => void): void {
  add(int32(canonicalTypes[typeName(value)]!));
  add(Buffer.from(name));
  if (Array.isArray(value) || isSubdocument(value)) {
    for (const [inner, member] of membersOf(value)) addHashed(member, `${inner}\0`, add);
    add(int32(endType));
  } else add(scalarBytes(value));
}

function scalarBytes(value: unknown): Uint8Array {
  if (isNumeric(value)) return int64(integerOf(value));
  if (typeof value === "boolean") return Uint8Array.of(Number(value));
  if (value instanceof Date) return int64(BigInt(value.getTime()));
  if (value instanceof RegExp) return Buffer.from(`${value.source}\0${value.flags}\0`);
  if (value instanceof Uint8Array)
    return Buffer.concat([int32(value.length), Uint8Array.of(0), value]);
  if (typeof value !== "string") return new Uint8Array();
  const text = Buffer.from(`${value}\0`);
  return Buffer.concat([int32(text.length), text]);
}

/** The first number beyond 64 bits. */
const int64End = 2 ** 63;

/** Towards zero, and within 64 bits. */
function integerOf(value: Numeric): bigint {
  if (typeof value === "bigint") return value;
  if (Number.isNaN(value)) return 0n;
  // What a cast once gave: MongoDB keeps it, because hashes are stored.
  if (value === int64End) return -BigInt(int64End);
  if (value > int64End) return BigInt(int64End) - 1n;
  return BigInt(Math.max(Math.trunc(value), -int64End));
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

/** By name; they take precedence over mingo's. */
export const bsonOperators: Readonly<Record<string, Operator>> = {
  $binarySize,
  $bsonSize,
  $toHashedIndexKey,
};
