/**
 * Tests on one encoded value. The conditions that scans are made of (equality and ranges of numbers,
 * dates and strings) are decided where the value lies; any other decodes it. Both give the answer of
 * the compiled condition (`predicate.ts`) on the decoded value, for every value but an array.
 */
import { encode } from "../cbor/codec.js";
import { liesAt } from "../cbor/field-name.js";
import { readItem } from "../cbor/read-item.js";
import { headerBytes, MAJOR_TEXT, readLength } from "../cbor/scan.js";
import { compareStrings } from "../values/compare.js";
import type { Document } from "../values/document.js";
import { isOperatorDocument } from "./operator-document.js";

/** Whether the value at `start`, which is no array, passes. */
export type ByteTest = (bytes: Uint8Array, start: number) => boolean;

const HEAD_FALSE = 0xf4;
const HEAD_TRUE = 0xf5;
const HEAD_NULL = 0xf6;
const HEAD_DOUBLE = 0xfb;
const HEAD_DATE = 0xc1;
/** A longer `$in` is looked up in a set. */
const listLengthMax = 8;

/**
 * Compiles a condition that `compileCondition` has accepted.
 *
 * @param passes the condition on a decoded value
 */
export function compileByteTest(condition: unknown, passes: (value: unknown) => boolean): ByteTest {
  const decoding: ByteTest = (bytes, start) => passes(readItem(bytes, start));
  if (!isOperatorDocument(condition)) return equality(condition) ?? decoding;
  if (asksForPresence(condition)) {
    const isWanted = passes(true);
    return () => isWanted;
  }
  return operators(condition) ?? decoding;
}

function asksForPresence(condition: Document): boolean {
  const names = Object.keys(condition);
  return names.length === 1 && names[0] === "$exists";
}

/** All operators of a condition, or nothing when one of them needs the decoded value. */
function operators(condition: Document): ByteTest | undefined {
  const tests: ByteTest[] = [];
  for (const name of Object.keys(condition)) {
    const test = operator(name, condition[name]);
    if (test === undefined) return undefined;
    tests.push(test);
  }
  const [first, second] = tests;
  if (tests.length === 1) return first;
  if (tests.length === 2) return (bytes, start) => first!(bytes, start) && second!(bytes, start);
  return (bytes, start) => tests.every((test) => test(bytes, start));
}

function operator(name: string, operand: unknown): ByteTest | undefined {
  switch (name) {
    case "$eq":
      return equality(operand);
    case "$ne":
      return negation(equality(operand));
    case "$in":
      return membership(operand as unknown[]);
    case "$nin":
      return negation(membership(operand as unknown[]));
    case "$gt":
    case "$gte":
    case "$lt":
    case "$lte":
      return ordering(name, operand);
    default:
      return undefined;
  }
}

function negation(test: ByteTest | undefined): ByteTest | undefined {
  return test && ((bytes, start) => !test(bytes, start));
}

function membership(list: readonly unknown[]): ByteTest | undefined {
  if (list.length > listLengthMax) return undefined;
  const tests = list.map(equality);
  if (!tests.every((test) => test !== undefined)) return undefined;
  return (bytes, start) => {
    for (let i = 0; i < tests.length; i++) if (tests[i]!(bytes, start)) return true;
    return false;
  };
}

function equality(operand: unknown): ByteTest | undefined {
  if (operand === null) return headTest(HEAD_NULL);
  if (typeof operand === "boolean") return headTest(operand ? HEAD_TRUE : HEAD_FALSE);
  if (typeof operand === "string") return textEquality(operand);
  if (typeof operand === "number" && !Number.isNaN(operand)) {
    // biome-ignore lint/suspicious/noDoubleEquals: 1 and 1n are equal here.
    return (bytes, start) => numberAt(bytes, start) == operand;
  }
  const time = operand instanceof Date ? operand.getTime() : Number.NaN;
  return Number.isNaN(time) ? undefined : (bytes, start) => timeAt(bytes, start) === time;
}

function headTest(head: number): ByteTest {
  return (bytes, start) => bytes[start] === head;
}

function textEquality(operand: string): ByteTest | undefined {
  if (!isExact(operand)) return undefined;
  const wanted = encode(operand);
  return (bytes, start) => liesAt(wanted, bytes, start);
}

/**
 * Whether only the operand's own bytes decode to it. Lone surrogates are stored as bytes that are no
 * UTF-8, and such bytes are read as U+FFFD.
 */
function isExact(text: string): boolean {
  return !/[\ud800-\udfff\ufffd]/u.test(text);
}

type Ordering = "$gt" | "$gte" | "$lt" | "$lte";

function ordering(name: Ordering, operand: unknown): ByteTest | undefined {
  if (typeof operand === "number" && !Number.isNaN(operand)) {
    return bound(name, numberAt, operand);
  }
  if (operand instanceof Date && !Number.isNaN(operand.getTime())) {
    return bound(name, timeAt, operand.getTime());
  }
  if (typeof operand === "string" && isExact(operand)) {
    const text = Buffer.from(operand);
    return bound(name, (bytes, start) => textOrder(bytes, start, text, operand), 0);
  }
  return undefined;
}

/** NaN, which `read` gives for values of another type, is on neither side of any limit. */
function bound(
  name: Ordering,
  read: (bytes: Uint8Array, start: number) => number | bigint,
  limit: number,
): ByteTest {
  switch (name) {
    case "$gt":
      return (bytes, start) => read(bytes, start) > limit;
    case "$gte":
      return (bytes, start) => read(bytes, start) >= limit;
    case "$lt":
      return (bytes, start) => read(bytes, start) < limit;
    case "$lte":
      return (bytes, start) => read(bytes, start) <= limit;
  }
}

/** The number at `start`, or NaN when it is no number. */
function numberAt(bytes: Uint8Array, start: number): number | bigint {
  const head = bytes[start]!;
  if (head < 0x18) return head;
  if (head >= 0x40 && head !== HEAD_DOUBLE) return Number.NaN;
  return readItem(bytes, start) as number | bigint;
}

/** The milliseconds of the date at `start`, or NaN when it is no date. */
function timeAt(bytes: Uint8Array, start: number): number {
  if (bytes[start] !== HEAD_DATE) return Number.NaN;
  return Math.round((readItem(bytes, start + 1) as number) * 1000);
}

/** The sign of comparing the text at `start` with the operand, or NaN when it is no text. */
function textOrder(bytes: Uint8Array, start: number, text: Uint8Array, operand: string): number {
  const head = bytes[start]!;
  if (head >> 5 !== MAJOR_TEXT) return Number.NaN;
  const length = readLength(bytes, start);
  const from = start + headerBytes(head);
  for (let i = 0; i < length && i < text.length; i++) {
    const byte = bytes[from + i]!;
    // Beyond ASCII the order of the bytes is only that of the text when they are UTF-8.
    if (byte > 0x7f) return compareStrings(readItem(bytes, start) as string, operand);
    if (byte !== text[i]) return byte - text[i]!;
  }
  return length - text.length;
}
