/**
 * BSON's names and numbers of types, for `$type`. A JavaScript number counts as what the official
 * driver would store it as: an integer of 32 bits is an `int`, any other number a `double`; a bigint
 * is a `long` (https://www.mongodb.com/docs/manual/reference/operator/query/type/).
 */
import { LioranError } from "../errors.js";
import { shownText } from "../values/shown.js";
import type { ValueTest } from "./traverse.js";

const aliasByNumber = new Map<number, string>([
  [-1, "minKey"],
  [1, "double"],
  [2, "string"],
  [3, "object"],
  [4, "array"],
  [5, "binData"],
  [6, "undefined"],
  [7, "objectId"],
  [8, "bool"],
  [9, "date"],
  [10, "null"],
  [11, "regex"],
  [12, "dbPointer"],
  [13, "javascript"],
  [14, "symbol"],
  [15, "javascriptWithScope"],
  [16, "int"],
  [17, "timestamp"],
  [18, "long"],
  [19, "decimal"],
  [127, "maxKey"],
]);
const aliases = new Set([...aliasByNumber.values(), "number"]);
const numeric = new Set(["double", "int", "long"]);

/** The alias of a value's type; `missing` for `undefined`. */
export function typeName(value: unknown): string {
  switch (typeof value) {
    case "string":
      return "string";
    case "number":
      return Number.isInteger(value) && value === (value | 0) ? "int" : "double";
    case "bigint":
      return "long";
    case "boolean":
      return "bool";
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return "array";
      if (value instanceof Date) return "date";
      if (value instanceof Uint8Array) return "binData";
      if (value instanceof RegExp) return "regex";
      return "object";
    default:
      return "missing";
  }
}

/** @throws LioranError BAD_VALUE for an unknown name or number; FAILED_TO_PARSE for none */
export function typeTest(operand: unknown, path: string): ValueTest {
  const list = Array.isArray(operand) ? operand : [operand];
  if (list.length === 0) {
    throw new LioranError("FAILED_TO_PARSE", `$type must match at least one type at "${path}".`);
  }
  const wanted = new Set(list.map((type) => aliasOf(type, path)));
  return (value) => {
    const name = typeName(value);
    return wanted.has(name) || (wanted.has("number") && numeric.has(name));
  };
}

function aliasOf(type: unknown, path: string): string {
  const number = typeof type === "bigint" ? Number(type) : type;
  const alias = typeof number === "number" ? aliasByNumber.get(number) : type;
  if (typeof alias === "string" && aliases.has(alias)) return alias;
  throw new LioranError(
    "BAD_VALUE",
    `Unknown type name or number in $type at path "${path}": ${shownText(type)}.`,
  );
}
