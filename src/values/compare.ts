/**
 * The one order of all values: MongoDB's comparison order
 * (https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/), restricted to the types
 * we store. `storage/key.ts` encodes exactly this order into bytes; the two are tested against each other.
 */

/** The classes in their order. Values of different classes are never equal. */
export const ORDER = {
  null: 0x0a,
  number: 0x14,
  string: 0x1e,
  object: 0x28,
  array: 0x32,
  binary: 0x3c,
  boolean: 0x46,
  date: 0x50,
  regex: 0x5a,
} as const;

/** The order class of a value; `undefined` counts as null, number and bigint are one class. */
export type Order = (typeof ORDER)[keyof typeof ORDER];

/** The order class of a value. It is also the first byte of the value's key (`storage/key.ts`). */
export function orderOf(value: unknown): Order {
  switch (typeof value) {
    case "number":
    case "bigint":
      return ORDER.number;
    case "string":
      return ORDER.string;
    case "boolean":
      return ORDER.boolean;
    case "object":
      if (value === null) return ORDER.null;
      if (Array.isArray(value)) return ORDER.array;
      if (value instanceof Date) return ORDER.date;
      if (value instanceof Uint8Array) return ORDER.binary;
      if (value instanceof RegExp) return ORDER.regex;
      return ORDER.object;
    default:
      return ORDER.null;
  }
}

/**
 * Negative, zero or positive as `a` sorts before, with or after `b`. Total over all storable values:
 * NaN is the lowest number and equal to itself, `-0` equals `0`, `1n` equals `1`, strings sort by their
 * UTF-8 bytes, objects field by field (class of the value, name, value) in the order of their fields.
 */
export function compareValues(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return compareNumbers(a, b);
  if (typeof a === "string" && typeof b === "string") return compareStrings(a, b);
  if (a === b) return 0;
  const order = orderOf(a);
  const difference = order - orderOf(b);
  if (difference !== 0) return difference;
  return compareWithinOrder(order, a, b);
}

/** Whether two values are equal in the order of {@link compareValues}. */
export function equalValues(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a === "string" || typeof b === "string") return false;
  return compareValues(a, b) === 0;
}

function compareWithinOrder(order: Order, a: unknown, b: unknown): number {
  switch (order) {
    case ORDER.null:
      return 0;
    case ORDER.number:
      return compareNumbers(a as number | bigint, b as number | bigint);
    case ORDER.string:
      return compareStrings(a as string, b as string);
    case ORDER.object:
      return compareObjects(a as Record<string, unknown>, b as Record<string, unknown>);
    case ORDER.array:
      return compareArrays(a as unknown[], b as unknown[]);
    case ORDER.binary:
      return compareBinary(a as Uint8Array, b as Uint8Array);
    case ORDER.boolean:
      return Number(a) - Number(b);
    case ORDER.date:
      return compareNumbers((a as Date).getTime(), (b as Date).getTime());
    case ORDER.regex:
      return compareRegexes(a as RegExp, b as RegExp);
  }
}

/** JavaScript compares number and bigint by their mathematical values; only NaN needs a rule. */
function compareNumbers(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1;
  if (a > b) return 1;
  // biome-ignore lint/suspicious/noDoubleEquals: 1 and 1n are equal here.
  if (a == b) return 0;
  // Only NaN is unequal to itself.
  const bIsNaN = Number.isNaN(b);
  return Number.isNaN(a) ? (bIsNaN ? 0 : -1) : 1;
}

/** By code points, which is the order of the UTF-8 bytes; `<` would compare UTF-16 units. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let unitA = a.charCodeAt(i);
    let unitB = b.charCodeAt(i);
    if (unitA === unitB) continue;
    if (unitA >= 0xd800 && unitB >= 0xd800) {
      // Surrogates stand for code points above U+FFFF, so they follow U+E000 to U+FFFF.
      unitA += unitA >= 0xe000 ? -0x800 : 0x2000;
      unitB += unitB >= 0xe000 ? -0x800 : 0x2000;
    }
    return unitA - unitB;
  }
  return a.length - b.length;
}

function compareObjects(a: Record<string, unknown>, b: Record<string, unknown>): number {
  const namesA = Object.keys(a);
  const namesB = Object.keys(b);
  const length = Math.min(namesA.length, namesB.length);
  for (let i = 0; i < length; i++) {
    const nameA = namesA[i]!;
    const nameB = namesB[i]!;
    const valueA = a[nameA];
    const valueB = b[nameB];
    const order = orderOf(valueA);
    const difference =
      order - orderOf(valueB) ||
      compareStrings(nameA, nameB) ||
      compareWithinOrder(order, valueA, valueB);
    if (difference !== 0) return difference;
  }
  return namesA.length - namesB.length;
}

function compareArrays(a: unknown[], b: unknown[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = compareValues(a[i], b[i]);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function compareBinary(a: Uint8Array, b: Uint8Array): number {
  return a.length - b.length || Buffer.compare(a, b);
}

function compareRegexes(a: RegExp, b: RegExp): number {
  return compareStrings(a.source, b.source) || compareStrings(a.flags, b.flags);
}
