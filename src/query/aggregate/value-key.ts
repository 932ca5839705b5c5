/** Values as keys of a Map: two values have the same key exactly if they are equal in the value order. */
import { encodeKey, writeKey } from "../../storage/key.js";

/** What a Map compares by content. */
export type ValueKey = string | number | bigint | boolean | null | undefined;

/** Marks keys that stand for a value of another type. */
const encodedMark = "\0";
const scratch = Buffer.allocUnsafeSlow(4096);

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
  try {
    return encodedMark + scratch.toString("latin1", 0, writeKey(value, scratch, 0));
  } catch {
    // Longer than the keys that are common: worth memory of its own.
    return encodedMark + Buffer.from(encodeKey(value)).toString("latin1");
  }
}
