/** Values in the text of error messages and plans, whatever they are. */

/** As JSON, which knows no bigint, not even inside an object. */
export function shownValue(value: unknown): string {
  return JSON.stringify(value, (_name, part) => (typeof part === "bigint" ? `${part}n` : part));
}

/** As `String()` has it, which fails for an object with a field named `toString`, and for a list with a symbol. */
export function shownText(value: unknown): string {
  try {
    return String(value);
  } catch {
    return "an object";
  }
}

/** What was thrown, in words: it may be anything. */
export function thrownText(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  } catch {
    return "a value that cannot be shown";
  }
}
