/**
 * What an upsert takes from its filter: the fields the filter fixes to one value
 * (https://www.mongodb.com/docs/manual/reference/method/db.collection.updateOne/#upsert-behavior).
 */
import { LioranError } from "../errors.js";
import { type Document, isSubdocument } from "../values/document.js";
import { isOperatorDocument } from "./operator-document.js";
import { isPrefix, type Path, parseWritablePath } from "./path.js";

interface Equality {
  readonly path: Path;
  readonly value: unknown;
}

/**
 * The document an upsert begins with when nothing matched.
 *
 * @throws LioranError NOT_SINGLE_VALUE_FIELD when the filter names a path twice, or a path and a part of it
 */
export function upsertSeed(filter: Document): Document {
  const equalities: Equality[] = [];
  collectEqualities(filter, equalities);
  const seed: Document = {};
  equalities.forEach((equality, at) => {
    refuseAmbiguity(equality.path, equalities.slice(0, at));
    setSeedField(seed, equality);
  });
  if (!Object.hasOwn(seed, "_id")) return seed;
  return { _id: seed._id, ...seed };
}

function collectEqualities(filter: Document, equalities: Equality[]): void {
  for (const key of Object.keys(filter)) {
    const condition = filter[key];
    if (key === "$and" && Array.isArray(condition)) {
      for (const branch of condition) {
        if (isSubdocument(branch)) collectEqualities(branch, equalities);
      }
    } else if (key === "$or" && Array.isArray(condition) && condition.length === 1) {
      if (isSubdocument(condition[0])) collectEqualities(condition[0], equalities);
    } else if (!key.startsWith("$")) {
      const fixed = fixedValue(condition);
      if (fixed)
        equalities.push({ path: parseWritablePath(key, "EMPTY_FIELD_NAME"), value: fixed.value });
    }
  }
}

/** The value a condition fixes its path to; boxed, because the value may be anything. */
function fixedValue(condition: unknown): { value: unknown } | undefined {
  if (condition instanceof RegExp) return undefined;
  if (!isOperatorDocument(condition)) return { value: condition ?? null };
  if (Object.hasOwn(condition, "$eq")) return { value: condition.$eq ?? null };
  const list = condition.$in ?? condition.$all;
  if (!Array.isArray(list) || list.length !== 1) return undefined;
  const [only] = list as [unknown];
  return only instanceof RegExp || isOperatorDocument(only) ? undefined : { value: only ?? null };
}

function refuseAmbiguity(path: Path, earlier: readonly Equality[]): void {
  for (const { path: other } of earlier) {
    if (isPrefix(other.segments, path.segments) || isPrefix(path.segments, other.segments)) {
      const twice = other.text === path.text ? "twice" : `as "${path.text}" and "${other.text}"`;
      throw new LioranError(
        "NOT_SINGLE_VALUE_FIELD",
        `cannot infer query fields to set, path "${other.text}" is matched ${twice}. ` +
          "Name each field once in the filter of an upsert.",
      );
    }
  }
}

function setSeedField(seed: Document, { path, value }: Equality): void {
  let container = seed;
  for (const segment of path.segments.slice(0, -1)) {
    const inner = Object.hasOwn(container, segment) ? container[segment] : undefined;
    const next: Document = isSubdocument(inner) ? inner : {};
    container[segment] = next;
    container = next;
  }
  container[path.segments.at(-1)!] = value;
}
