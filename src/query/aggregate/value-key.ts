/** Values as keys of a Map: two values have the same key exactly if they are equal in the value order. */
import { encodeKey } from "../../storage/key.js";

/** What a Map compares by content. */
export type ValueKey = string | number | bigint | boolean | null | undefined;

/** Marks keys that stand for a value of another type. */
const encodedMark = "\0";

export function valueKey(value: unknown): ValueKey {
  switch (typeof value) {
    case "string":
      return value.charCodeAt(0) === 0 ? encoded(value) : value;
    case "bigint": {
      const number = Number(value);
      return BigInt(number) === value ? number : value;
    }
    case "number":
    case "boolean":
    case "undefined":
      return value;
    default:
      return value === null ? null : encoded(value);
  }
}

function encoded(value: unknown): string {
  const key = encodeKey(value);
  return encodedMark + Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}
