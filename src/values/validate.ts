/**
 * What a caller may hand in. Every value passes here before it is encoded, so that whatever is wrong
 * with it is reported with its path, in the caller's process, before anything is sent.
 *
 * A value that needs no change is returned itself: the usual document costs one walk and no copy.
 */
// Not from "node:util", which loads all that it has (measured: 0.6 ms of each start).
import * as types from "node:util/types";
import { LioranError } from "../errors.js";
import { documentBytesMax, documentDepthMax } from "../limits.js";
import { type Document, isPlainObject } from "./document.js";

export interface StorableOptions {
  /** What the error message calls the document. Default "document". */
  what?: string;
  /** The document replaces another one: its top-level names may not begin with `$`. */
  replacement?: boolean;
}

interface Walk {
  /** What the value is called, in front of its path. */
  readonly what: string;
  readonly depthMax: number;
  /** Names and positions from the top to the container that is being walked. */
  readonly trail: (string | number)[];
  readonly root: unknown;
  /** Whether `undefined` stays, as `null`, instead of being left out. */
  readonly keepsUndefined: boolean;
  /** Values left before the value is too large to be encoded in any case. */
  valuesLeft: number;
  /** What everything so far can take when it is encoded, at most. */
  bytesMost: number;
}

/** Operators stand around the values of a filter; the rest of the frame's depth is its envelope. */
const argumentDepthMax = documentDepthMax + 8;
const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

/** A value and its place, without the text or bytes in it: the heads of both, a number, a tag. */
const valueBytesMost = 32;
/** Of one UTF-16 unit. */
const unitBytesMost = 3;

/** Field names that were checked before: documents repeat a few names very often. */
const checkedNames = new Set<string>();
const checkedNamesMax = 4096;
/** Of these, the last one at each place of an object: mostly the one that stands there in the next object. */
const lastNames: string[] = new Array(32).fill("");

/** What the document that {@link toStorable} has accepted last can take when it is encoded, at most. */
export let storableBytesMost = 0;

/**
 * Checks a document for insert or replace and gives it the form in which it is stored: `undefined`
 * properties dropped (null inside arrays, as the MongoDB driver does), `_id` first.
 *
 * @returns `document` itself where nothing has to change
 * @throws LioranError BAD_VALUE naming the path; INVALID_ID_FIELD, DOLLAR_PREFIXED_FIELD,
 *   DOCUMENT_TOO_LARGE
 */
export function toStorable(document: Document, options: StorableOptions = {}): Document {
  const what = options.what ?? "document";
  if (!isPlainObject(document)) {
    throw new LioranError(
      "BAD_VALUE",
      `The ${what} must be a plain object, not ${nameOf(document)}.`,
    );
  }
  if (options.replacement) checkReplacementNames(document, what);
  if (Object.hasOwn(document, "_id")) checkId(document._id);
  const walk = startWalk(what, documentDepthMax, document);
  const checked = checkContainer(document, walk, 1);
  storableBytesMost = walk.bytesMost;
  return withIdFirst(checked as Document);
}

/**
 * Checks a filter, an update or any other argument that is sent along: the same values as in
 * documents, a little deeper, with any names (operators begin with `$`).
 *
 * @param what how the message calls it, for example `filter`
 * @returns `value` itself where nothing has to change
 * @throws LioranError BAD_VALUE naming the path
 */
export function checkArgument<T>(value: T, what: string): T {
  const walk = startWalk(what, argumentDepthMax, value);
  if (value === undefined) return value;
  return checkValue(value, "", walk, 0) as T;
}

/**
 * As {@link checkArgument} for a filter, where `undefined` means `null` as in the official driver: a
 * condition that vanished would match every document.
 */
export function checkFilterArgument<T>(value: T, what: string): T {
  const walk = startWalk(what, argumentDepthMax, value, true);
  return checkValue(value, "", walk, 0) as T;
}

/**
 * Checks what only an `_id` is forbidden to be.
 *
 * @throws LioranError INVALID_ID_FIELD for an array, RegExp or undefined; DOLLAR_PREFIXED_FIELD
 */
export function checkId(id: unknown): void {
  const kind = Array.isArray(id)
    ? "an array"
    : id === undefined
      ? "undefined"
      : types.isRegExp(id)
        ? "a regular expression"
        : "";
  if (kind !== "") {
    throw new LioranError(
      "INVALID_ID_FIELD",
      `_id: ${kind} cannot be an _id. Use a scalar or an object, or leave _id out.`,
    );
  }
  if (typeof id === "object" && id !== null) checkIdNames(id, "_id", 1);
}

function checkIdNames(value: object, path: string, depth: number): void {
  // Too deep is for the walk of the whole document to report.
  if (depth > documentDepthMax || ArrayBuffer.isView(value)) return;
  for (const [name, inner] of Object.entries(value)) {
    if (name.startsWith("$") && !Array.isArray(value)) throw dollarPrefixed(`${path}.${name}`);
    if (typeof inner === "object" && inner !== null) {
      checkIdNames(inner, `${path}.${name}`, depth + 1);
    }
  }
}

function checkReplacementNames(document: Document, what: string): void {
  for (const name of Object.keys(document)) {
    if (name.startsWith("$")) throw dollarPrefixed(what === "document" ? name : `${what}.${name}`);
  }
}

function startWalk(what: string, depthMax: number, root: unknown, keepsUndefined = false): Walk {
  return {
    what,
    depthMax,
    trail: [],
    root,
    keepsUndefined,
    valuesLeft: documentBytesMax,
    bytesMost: valueBytesMost,
  };
}

/** `depth` is that of the container around the value; `key` its name or position in there. */
function checkValue(value: unknown, key: string | number, walk: Walk, depth: number): unknown {
  switch (typeof value) {
    case "number":
    case "boolean":
      return value;
    case "string":
      if (!value.isWellFormed()) throw bad(walk, key, "the string has a lone surrogate");
      walk.bytesMost += value.length * unitBytesMost;
      return value;
    case "bigint":
      if (value < int64Min || value > int64Max) {
        throw bad(walk, key, "a bigint must lie within 64 bits, signed");
      }
      return value;
    case "object":
      return value === null ? value : checkObject(value, key, walk, depth);
    case "function":
      throw bad(walk, key, "functions cannot be sent or stored");
    case "symbol":
      throw bad(walk, key, "symbols cannot be sent or stored");
    default:
      return null;
  }
}

function checkObject(value: object, key: string | number, walk: Walk, depth: number): unknown {
  // For a plain object, the questions below would cost more than all the rest of the walk.
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) {
    if (value instanceof Date || types.isDate(value)) return checkDate(value, key, walk);
    if (value instanceof RegExp || types.isRegExp(value)) return checkRegex(value, key, walk);
    if (value instanceof Uint8Array || types.isUint8Array(value)) return checkBytes(value, walk);
    if (!isPlainObject(value)) {
      throw bad(walk, key, `${nameOf(value)} is no plain value; convert it first`);
    }
  }
  if (depth >= walk.depthMax) throw tooDeep(walk, key);
  const isRoot = depth === 0;
  if (!isRoot) walk.trail.push(key);
  const checked = checkContainer(value as unknown[] | Document, walk, depth + 1);
  if (!isRoot) walk.trail.pop();
  return checked;
}

function checkContainer(value: unknown[] | Document, walk: Walk, depth: number): unknown {
  return Array.isArray(value) ? checkArray(value, walk, depth) : checkFields(value, walk, depth);
}

function checkFields(value: Document, walk: Walk, depth: number): Document {
  // Of a proxy, say: the codec would go over what it gives, and not over its fields.
  if ((value as Partial<Iterable<unknown>>)[Symbol.iterator] !== undefined) {
    throw bad(walk, "", "an object that can be iterated is no plain value; convert it first");
  }
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw bad(walk, "", "property names cannot be symbols");
  }
  const names = Object.keys(value);
  countValues(names.length, walk);
  let copy: Document | undefined;
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    if (lastNames[i % lastNames.length] !== name) checkName(name, i, walk);
    walk.bytesMost += name.length * unitBytesMost;
    const inner = value[name];
    const isDropped = inner === undefined && !walk.keepsUndefined;
    const checked = isDropped ? undefined : checkValue(inner, name, walk, depth);
    // Not `===`: NaN needs no copy either.
    if (Object.is(checked, inner) && inner !== undefined) {
      if (copy !== undefined) copy[name] = inner;
      continue;
    }
    copy ??= Object.fromEntries(names.slice(0, i).map((done) => [done, value[done]]));
    if (checked !== undefined) copy[name] = checked;
  }
  return copy ?? value;
}

function checkArray(value: unknown[], walk: Walk, depth: number): unknown[] {
  countValues(value.length, walk);
  // The codec knows an array by its constructor: those of subclasses and other realms are copied.
  let copy: unknown[] | undefined = value.constructor === Array ? undefined : Array.from(value);
  for (let i = 0; i < value.length; i++) {
    const inner = value[i];
    const checked = checkValue(inner, i, walk, depth);
    if (Object.is(checked, inner)) continue;
    copy ??= Array.from(value);
    copy[i] = checked;
  }
  return copy ?? value;
}

/** Each value takes a byte at least. Ends the walk of shared objects that unfold without bound. */
function countValues(count: number, walk: Walk): void {
  walk.valuesLeft -= count;
  walk.bytesMost += count * valueBytesMost;
  if (walk.valuesLeft < 0) {
    throw new LioranError(
      "DOCUMENT_TOO_LARGE",
      `The ${walk.what} has more values than fit into ${documentBytesMax} bytes. Split it.`,
    );
  }
}

function checkName(name: string, place: number, walk: Walk): void {
  if (!checkedNames.has(name)) checkNewName(name, walk);
  lastNames[place % lastNames.length] = name;
}

function checkNewName(name: string, walk: Walk): void {
  if (name === "") throw bad(walk, name, "a field name cannot be empty");
  if (name === "__proto__") throw bad(walk, name, "a field cannot be named __proto__");
  if (name.includes("\0")) throw bad(walk, name, "a field name cannot contain NUL");
  if (!name.isWellFormed()) throw bad(walk, name, "the field name has a lone surrogate");
  if (checkedNames.size >= checkedNamesMax) checkedNames.clear();
  checkedNames.add(name);
}

function checkDate(value: Date, key: string | number, walk: Walk): Date {
  if (Number.isNaN(value.getTime())) throw bad(walk, key, "the date is invalid");
  return value instanceof Date ? value : new Date((value as Date).getTime());
}

/** Those of another realm are copied: the codec knows them by their class. */
function checkBytes(value: Uint8Array, walk: Walk): Uint8Array {
  walk.bytesMost += value.length;
  return value instanceof Uint8Array ? value : new Uint8Array(value);
}

function checkRegex(value: RegExp, key: string | number, walk: Walk): RegExp {
  if (!value.source.isWellFormed()) {
    throw bad(walk, key, "the regular expression has a lone surrogate");
  }
  walk.bytesMost += (value.source.length + value.flags.length) * unitBytesMost;
  return value instanceof RegExp
    ? value
    : new RegExp((value as RegExp).source, (value as RegExp).flags);
}

function withIdFirst(document: Document): Document {
  if (!Object.hasOwn(document, "_id")) return document;
  for (const name in document) {
    if (name === "_id") return document;
    break;
  }
  return { _id: document._id, ...document };
}

function tooDeep(walk: Walk, key: string | number): LioranError {
  const seen = new Set<unknown>();
  let value = walk.root;
  for (const step of [...walk.trail, key]) {
    if (seen.has(value)) return bad(walk, key, "the value contains itself");
    seen.add(value);
    value = (value as Record<string | number, unknown>)[step];
  }
  return bad(walk, key, `nesting is limited to ${walk.depthMax} levels`);
}

function bad(walk: Walk, key: string | number, reason: string): LioranError {
  const path = [...walk.trail, key].filter((step) => step !== "").join(".");
  const shown = path.length > 200 ? `${path.slice(0, 200)}…` : path;
  const place =
    walk.what === "document" ? shown || "document" : `${walk.what}${shown && `.${shown}`}`;
  return new LioranError("BAD_VALUE", `${place}: ${reason}.`);
}

function dollarPrefixed(path: string): LioranError {
  return new LioranError(
    "DOLLAR_PREFIXED_FIELD",
    `${path}: a name that begins with "$" is not allowed here. Rename the field.`,
  );
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  if (Array.isArray(value)) return "an array";
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? `an instance of ${name}` : "such an object";
}
