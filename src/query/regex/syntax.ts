/**
 * Reads the source of a JavaScript regular expression into a tree, for what has to be known about it
 * before it runs. V8 has accepted the source already, so nothing is checked here twice.
 * https://tc39.es/ecma262/#sec-patterns, and its annex B for what is allowed without flag `u`.
 */
import { LioranError } from "../../errors.js";
import { regexDepthMax } from "../../limits.js";

export type RegexNode =
  /** One character: of a class, or `char` itself. `source` stands for it alone, too. */
  | { readonly kind: "set"; readonly source: string; readonly char?: number }
  | { readonly kind: "sequence"; readonly parts: readonly RegexNode[] }
  | { readonly kind: "alternation"; readonly branches: readonly RegexNode[] }
  | { readonly kind: "group"; readonly body: RegexNode; readonly captures: boolean }
  | RepeatNode
  | { readonly kind: "assertion"; readonly source: "^" | "$" | "\\b" | "\\B" }
  | { readonly kind: "look"; readonly body: RegexNode; readonly behind: boolean }
  | { readonly kind: "backreference" };

export interface RepeatNode {
  readonly kind: "repeat";
  readonly body: RegexNode;
  readonly min: number;
  readonly max: number;
  readonly lazy: boolean;
}

export function childrenOf(node: RegexNode): readonly RegexNode[] {
  if (node.kind === "sequence") return node.parts;
  if (node.kind === "alternation") return node.branches;
  return "body" in node ? [node.body] : [];
}

/** @throws LioranError BAD_VALUE when groups are nested too deep or use syntax that is not known here */
export function parseRegex(source: string, flags: string): RegexNode {
  return new RegexParser(source, flags.includes("u")).parse();
}

const quantifier = /([*+?]|\{(\d+)(,?)(\d*)\})(\??)/y;
const assertion = /[$^]|\\[bB]/y;
const groupHead = /\((?:\?(?:[:=!]|<[=!]|<[^>]*>))?/y;
const classText = /\[(?:\\[\s\S]|[^\]\\])*\]/y;
const charEscape = /\\(?:x([\da-f]{2})|u([\da-f]{4})|c([a-z])|([0-3][0-7]{0,2}|[4-7][0-7]?))/iy;
const classEscape = /\\[dDwWsS]/y;
const propertyEscape = /\\[pP]\{[^}]*\}/y;
const codePointEscape = /\\u\{([\da-f]+)\}|\\u(d[89ab][\da-f]{2})\\u(d[c-f][\da-f]{2})/iy;
const controls: Record<string, number> = { t: 9, n: 10, v: 11, f: 12, r: 13 };

class RegexParser {
  readonly #source: string;
  readonly #unicode: boolean;
  readonly #groups: number;
  readonly #named: boolean;
  #at = 0;
  #depth = 0;

  constructor(source: string, unicode: boolean) {
    this.#source = source;
    this.#unicode = unicode;
    const unescaped = source.replace(/\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]/g, "");
    this.#groups = unescaped.match(/\((?!\?)|\(\?<(?![=!])/g)?.length ?? 0;
    this.#named = /\(\?<(?![=!])/.test(unescaped);
  }

  parse(): RegexNode {
    return this.#alternation();
  }

  #alternation(): RegexNode {
    if (++this.#depth > regexDepthMax) {
      const message = `Groups of a regular expression can be nested ${regexDepthMax} deep at most.`;
      throw new LioranError("BAD_VALUE", message);
    }
    const branches = [this.#sequence()];
    while (this.#source[this.#at] === "|") {
      this.#at++;
      branches.push(this.#sequence());
    }
    this.#depth--;
    return branches.length === 1 ? branches[0]! : { kind: "alternation", branches };
  }

  #sequence(): RegexNode {
    const parts: RegexNode[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at]!)) {
      parts.push(this.#quantified(this.#term()));
    }
    return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
  }

  #quantified(body: RegexNode): RegexNode {
    const found = this.#take(quantifier);
    if (!found) return body;
    const [, sign, from, comma, to, lazy] = found;
    const min = from === undefined ? Number(sign === "+") : Number(from);
    const open = sign === "*" || sign === "+" ? Number.POSITIVE_INFINITY : 1;
    const most = to ? Number(to) : comma ? Number.POSITIVE_INFINITY : min;
    return { kind: "repeat", body, min, max: from === undefined ? open : most, lazy: lazy === "?" };
  }

  #term(): RegexNode {
    const edge = this.#take(assertion);
    if (edge) return { kind: "assertion", source: edge[0] as "^" };
    const next = this.#source[this.#at]!;
    if (next === "(") return this.#group();
    if (next === "\\") return this.#escape();
    if (next === ".") return this.#set(this.#advance(1));
    if (next === "[") return this.#set(this.#take(classText)![0]);
    const char = this.#unicode
      ? this.#source.codePointAt(this.#at)!
      : this.#source.charCodeAt(this.#at);
    this.#at += char > 0xffff ? 2 : 1;
    return this.#character(char);
  }

  #group(): RegexNode {
    const head = this.#take(groupHead)![0];
    if (head === "(" && this.#source[this.#at] === "?") {
      const message = `"(${this.#source.slice(this.#at, this.#at + 2)}" is not supported in a regular expression.`;
      throw new LioranError("BAD_VALUE", message);
    }
    const body = this.#alternation();
    this.#at++;
    if (/^\(\?<?[=!]$/.test(head)) return { kind: "look", body, behind: head.length === 4 };
    return { kind: "group", body, captures: head !== "(?:" };
  }

  #escape(): RegexNode {
    const isClass = this.#take(classEscape) ?? (this.#unicode ? this.#take(propertyEscape) : null);
    if (isClass) return this.#set(isClass[0]);
    if ((this.#named || this.#unicode) && this.#take(/\\k<[^>]*>/y)) {
      return { kind: "backreference" };
    }
    const reference = /\\([1-9]\d*)/y;
    reference.lastIndex = this.#at;
    const number = Number(reference.exec(this.#source)?.[1] ?? Number.NaN);
    if (number <= this.#groups || (this.#unicode && number >= 1)) {
      this.#take(reference, this.#at);
      return { kind: "backreference" };
    }
    return this.#character(this.#escapedCharacter());
  }

  #escapedCharacter(): number {
    const wide = this.#unicode ? this.#take(codePointEscape) : null;
    if (wide?.[1] !== undefined) return Number.parseInt(wide[1], 16);
    if (wide) {
      return String.fromCharCode(
        Number.parseInt(wide[2]!, 16),
        Number.parseInt(wide[3]!, 16),
      ).codePointAt(0)!;
    }
    const found = this.#take(charEscape);
    if (found) {
      const [, two, four, letter, octal] = found;
      if (letter !== undefined) return letter.charCodeAt(0) % 32;
      if (octal !== undefined) return Number.parseInt(octal, 8);
      return Number.parseInt((two ?? four)!, 16);
    }
    const name = this.#source[this.#at + 1]!;
    // Annex B: a backslash in front of a "c" that starts no control character stands for itself.
    if (name === "c") return this.#advance(1).charCodeAt(0);
    this.#advance(2);
    return controls[name] ?? name.charCodeAt(0);
  }

  #set(source: string): RegexNode {
    return { kind: "set", source };
  }

  #character(char: number): RegexNode {
    const hex = char.toString(16);
    const source = char > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`;
    return { kind: "set", source, char };
  }

  #advance(count: number): string {
    const text = this.#source.slice(this.#at, this.#at + count);
    this.#at += count;
    return text;
  }

  #take(pattern: RegExp, from = this.#at): RegExpExecArray | null {
    pattern.lastIndex = from;
    const found = pattern.exec(this.#source);
    if (found) this.#at += found[0].length;
    return found;
  }
}
