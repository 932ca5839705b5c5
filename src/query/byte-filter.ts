/**
 * Filters that are decided on the bytes of a stored document, without making values of them: the
 * conjuncts of a filter that are conditions on paths, as long as the paths meet no arrays. A scan
 * asks this first and decodes only where the answer is not known.
 */
import { headerBytes, MAJOR_ARRAY, MAJOR_MAP, readLength, skip } from "../cbor/scan.js";
import { memberAt, type WantedMembers, wantedMembers } from "../storage/field-reader.js";
import { type Document, isPlainObject } from "../values/document.js";
import { type ByteTest, compileByteTest } from "./byte-test.js";
import { compileElementFilter } from "./filter.js";
import { parsePath } from "./path.js";
import { compileCondition, passesClause } from "./predicate.js";

/** Whether the document that begins at `start` matches; `undefined`: ask the whole filter. */
export type ByteFilter = (bytes: Uint8Array, start: number) => boolean | undefined;

/** What is asked about the value at one place. */
interface Place {
  readonly tests: ByteTest[];
  /** Whether a document passes in which the place is missing. */
  passesMissing: boolean;
  readonly below: Map<string, Place>;
}

/** A place, compiled. */
interface Check {
  readonly tests: readonly ByteTest[];
  readonly passesMissing: boolean;
  readonly below: Checks | undefined;
}

interface Checks extends WantedMembers<Check> {
  /** How many of the members must be there. */
  readonly required: number;
}

/**
 * Compiles what can be decided on bytes.
 *
 * @returns undefined when that is nothing
 * @throws what `compileFilter` throws, for the parts that are compiled
 */
export function compileByteFilter(filter: Document): ByteFilter | undefined {
  const root = newPlace();
  const isWhole = addConjuncts(filter, root);
  if (root.below.size === 0) return undefined;
  const checks = compileChecks(root.below);
  if (isWhole) return (bytes, start) => decide(bytes, start, checks);
  // The rest of the filter can only take away from what matches.
  return (bytes, start) => (decide(bytes, start, checks) === false ? false : undefined);
}

function newPlace(): Place {
  return { tests: [], passesMissing: true, below: new Map() };
}

/** @returns whether all of the filter was added */
function addConjuncts(filter: Document, root: Place): boolean {
  let isWhole = true;
  for (const name of Object.keys(filter)) {
    const condition = filter[name];
    if (!name.startsWith("$")) addCondition(name, condition, root);
    else if (name === "$and" && Array.isArray(condition) && condition.every(isPlainObject)) {
      for (const branch of condition) if (!addConjuncts(branch, root)) isWhole = false;
    } else if (name !== "$comment") isWhole = false;
  }
  return isWhole;
}

function addCondition(pathText: string, condition: unknown, root: Place): void {
  let place = root;
  for (const segment of parsePath(pathText).segments) {
    const next = place.below.get(segment) ?? newPlace();
    place.below.set(segment, next);
    place = next;
  }
  const clauses = compileCondition(condition, pathText, compileElementFilter);
  const passes = (value: unknown) => clauses.every((clause) => passesClause(clause, value));
  place.tests.push(compileByteTest(condition, passes));
  if (!passes(undefined)) place.passesMissing = false;
}

function compileChecks(places: ReadonlyMap<string, Place>): Checks {
  const wanted = Array.from(places, ([name, place]): [string, Check] => {
    const below = place.below.size > 0 ? compileChecks(place.below) : undefined;
    const passesMissing = place.passesMissing && (below?.required ?? 0) === 0;
    return [name, { tests: place.tests, passesMissing, below }];
  });
  const required = wanted.filter(([, check]) => !check.passesMissing).length;
  return { ...wantedMembers(wanted), required };
}

/** False as soon as one check fails, whatever the others say. */
function decide(bytes: Uint8Array, start: number, checks: Checks): boolean | undefined {
  let missing = checks.members.length;
  let { required } = checks;
  let isKnown = true;
  let at = start + headerBytes(bytes[start]!);
  for (let left = readLength(bytes, start); left > 0 && missing > 0; left--) {
    const member = memberAt(checks, bytes, at);
    if (member === undefined) {
      at = skip(bytes, skip(bytes, at));
      continue;
    }
    at += member.bytes.length;
    const passes = decideValue(bytes, at, member.what);
    if (passes === false) return false;
    if (passes === undefined) isKnown = false;
    missing -= 1;
    if (!member.what.passesMissing) required -= 1;
    at = skip(bytes, at);
  }
  if (required > 0) return false;
  return isKnown ? true : undefined;
}

function decideValue(bytes: Uint8Array, start: number, check: Check): boolean | undefined {
  const major = bytes[start]! >> 5;
  // A path may mean the array, any of its elements, or the fields of those.
  if (major === MAJOR_ARRAY) return undefined;
  const { tests, below } = check;
  for (let i = 0; i < tests.length; i++) if (!tests[i]!(bytes, start)) return false;
  if (below === undefined) return true;
  return major === MAJOR_MAP ? decide(bytes, start, below) : below.required === 0;
}
