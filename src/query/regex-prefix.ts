/** What an anchored regular expression says about how its matches start: bounds for an index. */
import { parseRegex, type RegexNode } from "./regex/syntax.js";

export interface RegexPrefix {
  /** Every string that matches starts with it. Not empty. */
  readonly prefix: string;
  /** Whether also every string that starts with it matches. */
  readonly exact: boolean;
}

/** Of `a{1000}`, only so many are taken: a key cannot hold more, and bounds need not be tight. */
const repeatsKept = 16;
/** Half of a surrogate pair has no place of its own in the order of keys, so it ends the prefix. */
const wholeCharacters = /^(?:[^\ud800-\udfff]|[\ud800-\udbff][\udc00-\udfff])*/;

/** The literal prefix of an expression such as `/^abc/`; `undefined` when it has none. */
export function regexPrefix(regex: RegExp): RegexPrefix | undefined {
  if (/[imv]/.test(regex.flags) || !regex.source.startsWith("^")) return undefined;
  const node = parseRegex(regex.source, regex.flags);
  if (node.kind === "alternation") return undefined;
  const [, ...parts] = node.kind === "sequence" ? node.parts : [node];
  let prefix = "";
  let at = 0;
  for (let char = charOf(parts[0]); char !== undefined; char = charOf(parts[++at])) prefix += char;
  const next = parts[at];
  if (next?.kind === "repeat") {
    const repeated = Math.min(next.min, repeatsKept);
    prefix += (charOf(next.body) ?? "").repeat(repeated);
    if (charOf(next.body) !== undefined && repeated === next.min) at++;
  }
  const exact = parts.slice(at).every((part) => part.kind === "repeat" && part.min === 0);
  const whole = wholeCharacters.exec(prefix)![0];
  return whole === "" ? undefined : { prefix: whole, exact: exact && whole === prefix };
}

function charOf(node: RegexNode | undefined): string | undefined {
  return node?.kind === "set" && node.char !== undefined
    ? String.fromCodePoint(node.char)
    : undefined;
}
