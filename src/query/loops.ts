/**
 * Whether evaluating an expression once can take long: operators that go over arrays that the expression makes itself.
 * They do not belong on a thread that others wait for. What stops them elsewhere: `loop-control.ts`.
 */
import { isPlainObject } from "../values/document.js";

const loops = new Set(["$range", "$map", "$reduce", "$filter", "$zip"]);
/** Parts of a filter in which expressions can stand. */
const carriers = ["$expr", "$and", "$or", "$nor"];

/** Whether such an operator is anywhere in a value. */
export function hasLoop(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasLoop);
  if (!isPlainObject(value)) return false;
  for (const name in value) if (loops.has(name) || hasLoop(value[name])) return true;
  return false;
}

/** As {@link hasLoop}, for filters: most have no expression at all. */
export function filterHasLoop(filter: Record<string, unknown>): boolean {
  return carriers.some((name) => filter[name] !== undefined && hasLoop(filter[name]));
}
