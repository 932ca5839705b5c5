/**
 * The only importer of `re2js`, which runs an expression in time linear in the text. It is loaded
 * when the first expression needs it.
 *
 * Its own syntax for classes, flags and ends of lines differs from JavaScript's, so none of it is used:
 * every character is written as ranges of code points, which {@link characterSet} got from V8. What
 * JavaScript does without flag `u`, working on UTF-16 units, is had by giving every surrogate of the text
 * a code point of its own.
 */
import { lateRequire } from "../../late-loading.js";
import { regexLinearStepsMax } from "../../limits.js";
import { areDisjoint, type CharacterSet, characterSet, contains } from "./character-set.js";
import type { RegexNode } from "./syntax.js";

/** Where a match and its groups are: start, end, start of group 1, end ...; -1 for no part in it. */
export type MatchPositions = readonly number[];
export type Finder = (from: number) => MatchPositions | undefined;

interface Matcher {
  find(from?: number): boolean;
  groupCount(): number;
  start(group: number): number;
  end(group: number): number;
}

interface Compiled {
  test(text: string): boolean;
  matcher(text: string): Matcher;
  programSize(): number;
}

const load = lateRequire(import.meta.url);

/** Surrogate 0xd800 becomes 0x10d800: private code points, which take two surrogates themselves. */
const surrogateOffset = 0x100000;
const repeatsMax = 1_000;
const lineEnds = [10, 13, 0x2028, 0x2029];

/** Why an expression or a text is nothing for this engine. */
export class NotLinear {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

export class LinearRegex {
  readonly #compiled: Compiled;
  readonly #unicode: boolean;
  readonly #multiline: boolean;
  /** Whether no character of the expression tells one end of a line from another. */
  readonly #lineEndsAlike: boolean;

  /** @throws NotLinear */
  constructor(node: RegexNode, flags: string) {
    const translation = new Translation(flags);
    const source = translation.of(node);
    this.#unicode = flags.includes("u");
    this.#multiline = translation.usesLines;
    this.#lineEndsAlike = translation.lineEndsAlike;
    const { RE2JS } = load("re2js") as { RE2JS: { compile(source: string): Compiled } };
    try {
      this.#compiled = RE2JS.compile(source);
    } catch {
      throw new NotLinear("its repetitions are too many");
    }
  }

  /** @throws NotLinear */
  test(text: string): boolean {
    return this.#compiled.test(this.#prepared(text));
  }

  /**
   * A function that gives the first match at or after a position, which never goes back.
   *
   * @throws NotLinear
   */
  finder(text: string): Finder {
    const prepared = this.#prepared(text);
    const matcher = this.#compiled.matcher(prepared);
    const place = new Place(text, prepared.length === text.length);
    return (from) => {
      place.advance(from);
      if (!matcher.find(place.prepared)) return undefined;
      const positions: number[] = [];
      for (let group = 0; group <= matcher.groupCount(); group++) {
        positions.push(place.original(matcher.start(group)), place.original(matcher.end(group)));
      }
      return positions;
    };
  }

  #prepared(text: string): string {
    if (text.length * this.#compiled.programSize() > regexLinearStepsMax) {
      throw new NotLinear(`it is too large for a text of ${text.length} characters`);
    }
    let prepared = text;
    if (this.#multiline && /[\r\u2028\u2029]/.test(text)) {
      if (!this.#lineEndsAlike) {
        throw new NotLinear("it has flag m and the text has line ends other than \\n");
      }
      prepared = prepared.replace(/[\r\u2028\u2029]/g, "\n");
    }
    if (this.#unicode) return prepared;
    return prepared.replace(/[\ud800-\udfff]/g, (unit) =>
      String.fromCodePoint(surrogateOffset + unit.charCodeAt(0)),
    );
  }
}

/** A position in the text and the same one in the prepared text, where surrogates are longer. */
class Place {
  prepared = 0;
  #at = 0;
  readonly #text: string;
  readonly #isSame: boolean;

  constructor(text: string, isSame: boolean) {
    this.#text = text;
    this.#isSame = isSame;
  }

  advance(to: number): void {
    if (this.#isSame) this.prepared = to;
    else for (; this.#at < to; this.#at++) this.prepared += preparedWidth(this.#text, this.#at);
  }

  /** What a position in the prepared text, not before this place, is in the text. */
  original(position: number): number {
    if (this.#isSame || position < 0) return position;
    let at = this.#at;
    for (let prepared = this.prepared; prepared < position; at++) {
      prepared += preparedWidth(this.#text, at);
    }
    return at;
  }
}

function preparedWidth(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit <= 0xdfff ? 2 : 1;
}

class Translation {
  usesLines = false;
  lineEndsAlike = true;
  readonly #flags: string;
  readonly #unicode: boolean;

  constructor(flags: string) {
    this.#flags = flags;
    this.#unicode = flags.includes("u");
  }

  of(node: RegexNode): string {
    switch (node.kind) {
      case "set":
        return this.#set(characterSet(node, this.#flags));
      case "sequence":
        return node.parts.map((part) => this.of(part)).join("");
      case "alternation":
        return `(?:${node.branches.map((branch) => this.of(branch)).join("|")})`;
      case "group":
        return `${node.captures ? "(" : "(?:"}${this.of(node.body)})`;
      case "repeat": {
        const { min, max } = node;
        if (min > repeatsMax || (max > repeatsMax && max !== Number.POSITIVE_INFINITY)) {
          throw new NotLinear(`it repeats a part more than ${repeatsMax} times`);
        }
        const most = max === Number.POSITIVE_INFINITY ? "" : max;
        return `(?:${this.of(node.body)}){${min},${most}}${node.lazy ? "?" : ""}`;
      }
      case "assertion":
        return this.#assertion(node.source);
      case "look":
        throw new NotLinear("it looks ahead or behind");
      case "backreference":
        throw new NotLinear("it refers back to a group");
    }
  }

  #assertion(source: "^" | "$" | "\\b" | "\\B"): string {
    if (source === "\\b" || source === "\\B") {
      // With flag u, V8 finds \B in the middle of a character; with i as well, it takes ſ for a letter.
      const isAlike = !this.#unicode || (source === "\\b" && !this.#flags.includes("i"));
      if (isAlike) return source;
      throw new NotLinear("it has \\B with flag u, or \\b with flags i and u");
    }
    if (!this.#flags.includes("m")) return source === "^" ? "\\A" : "\\z";
    this.usesLines = true;
    return `(?m:${source})`;
  }

  #set(set: CharacterSet): string {
    const ends = lineEnds.filter((char) => contains(set, char)).length;
    if (ends > 0 && ends < lineEnds.length) this.lineEndsAlike = false;
    if (set.length === 0) return "[^\\x{0}-\\x{10ffff}]";
    const surrogates: CharacterSet = [0xd800, 0xdfff];
    const isMapped = !this.#unicode && !areDisjoint(set, surrogates);
    const ranges: string[] = [];
    for (let at = 0; at < set.length; at += 2) {
      const [first, last] = [set[at]!, set[at + 1]!];
      if (!isMapped) {
        ranges.push(range(first, last));
        continue;
      }
      if (first < 0xd800) ranges.push(range(first, Math.min(last, 0xd7ff)));
      if (last >= 0xd800 && first <= 0xdfff) {
        const from = surrogateOffset + Math.max(first, 0xd800);
        ranges.push(range(from, surrogateOffset + Math.min(last, 0xdfff)));
      }
      if (last > 0xdfff) ranges.push(range(Math.max(first, 0xe000), last));
    }
    return `[${ranges.join("")}]`;
  }
}

function range(first: number, last: number): string {
  return first === last ? code(first) : `${code(first)}-${code(last)}`;
}

function code(char: number): string {
  return `\\x{${char.toString(16)}}`;
}
