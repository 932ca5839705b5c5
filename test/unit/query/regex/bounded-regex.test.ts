import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LioranError } from "../../../../src/errors.js";
import { compileFilter } from "../../../../src/query/filter.js";
import { boundedRegex } from "../../../../src/query/regex/bounded-regex.js";
import { characterSet, contains } from "../../../../src/query/regex/character-set.js";
import { backtrackingSteps } from "../../../../src/query/regex/cost.js";
import { LinearRegex, NotLinear } from "../../../../src/query/regex/linear-engine.js";
import { positionsDiffer } from "../../../../src/query/regex/shape.js";
import { stepsFor } from "../../../../src/query/regex/steps.js";
import { parseRegex, type RegexNode } from "../../../../src/query/regex/syntax.js";

const runs = Number(process.env.LIORAN_FUZZ_RUNS ?? 1_000);
const MiB = 1 << 20;

function degree(regex: RegExp): number {
  const steps = backtrackingSteps(parseRegex(regex.source, regex.flags), regex.flags);
  return steps.includes(Number.POSITIVE_INFINITY) ? Number.POSITIVE_INFINITY : steps.length - 1;
}

const notLinear = Symbol("not linear");

function unlessNotLinear<T>(work: () => T): T | typeof notLinear {
  try {
    return work();
  } catch (error) {
    if (error instanceof NotLinear) return notLinear;
    throw error;
  }
}

function linearly(regex: RegExp, text: string): boolean | typeof notLinear {
  const node = parseRegex(regex.source, regex.flags);
  return unlessNotLinear(() => new LinearRegex(node, regex.flags).test(text));
}

const long = "a".repeat(MiB);
const hostile: [RegExp, string, boolean][] = [
  [/(a+)+$/, `${long}!`, false],
  [/^(a+)+$/, `${long}!`, false],
  [/(a|a)*$/, `${long}!`, true],
  [/^(a|a)*$/, `${long}!`, false],
  [/^(a|aa)+$/, `${long}!`, false],
  [/^(?:a?){30}a{30}$/, "a".repeat(29), false],
  [/^(?:a?){30}a{30}$/, "a".repeat(30), true],
  [/(.*a){20}/, long, true],
  [/(.*a){20}b/, long, false],
  [/^(([a-z])+.)+[A-Z]([a-z])+$/, long, false],
  [/^([a-zA-Z0-9])(([-.]|[_]+)?([a-zA-Z0-9]+))*(@)[a-z0-9]+[.][a-z]{2,3}$/, `${long}!`, false],
  [/^([a-zA-Z0-9_.-]+)+@([a-z]+\.)+[a-z]+$/, `${"a".repeat(64)}@${"a.".repeat(5_000)}!`, false],
  [/((((a+)+)+)+)+b/, long, false],
  [/(x+x+)+y/, "x".repeat(5_000), false],
  [/a*b/, long, false],
  [/.*.*=.*/, long, false],
  [/\s+$/, `${" ".repeat(MiB)}x`, false],
  [/(?:a|b|ab)*c/, "ab".repeat(MiB / 4), false],
  [/(?:(?:a|b)|c)*d/, long, false],
  [/^(?:(a)|b)*c/, long, false],
  [/^(?:\w+\s?)+$/u, `${"word ".repeat(10_000)}!`, false],
  [/^(?:é|É)+$/i, `${"é".repeat(10_000)}!`, false],
  [/(😀+)+$/u, `${"😀".repeat(10_000)}!`, false],
  [/(😀|😀)+!$/, `${"😀".repeat(10_000)}!`, true],
  [/^(?:a+)+$/m, `${long}!\n${long}`, true],
  [new RegExp(`${"a".repeat(500)}b`), "a".repeat(100_000), false],
];

for (const [regex, text, expected] of hostile) {
  test(`${String(regex).slice(0, 60)} is answered for a text that makes it backtrack`, () => {
    assert.equal(compileFilter({ text: regex })({ text }), expected);
    assert.equal(compileFilter({ text: { $not: { $in: [regex] } } })({ text }), !expected);
  });
}

const refused = [
  /^(a+)+\1$/,
  /(?=(a+)+b)/,
  /(?!(a|a)*b)c/,
  /(?<=(a+)+)b/,
  /(\w+)*\1$/,
  /(.*)(.*)(.*)(.*)\1\2\3\4x/,
  /(?:(?=a)a|a)*b/,
  /(a{1,1000}){1,1000}b/,
  /((a{1,100}){1,100}){1,100}b/,
];

for (const regex of refused) {
  test(`${regex} is refused, since no engine can run it in bounded time`, () => {
    for (const filter of [
      { a: regex },
      { a: { $regex: regex.source } },
      { a: { $nin: [regex] } },
    ]) {
      assert.throws(
        () => compileFilter(filter),
        (error: LioranError) => error.code === 2 && /could take too long/.test(error.message),
      );
    }
  });
}

test("lookaround and references run where they cannot take long", () => {
  assert.equal(boundedRegex(/^(?!.*foo).*$/).test("bar".repeat(10_000)), true);
  assert.equal(boundedRegex(/^(?=.*\d)(?=.*[a-z]).{8,}$/).test("passw0rd"), true);
  assert.equal(boundedRegex(/(\w)\1/).test("hello"), true);
  assert.equal(boundedRegex(/^(\w+)\s\1$/).test("hello hello"), true);
});

test("a text that is too long for a reference is an error that says so", () => {
  const regex = boundedRegex(/(\w+)\s\1/);
  assert.equal(regex.test("one two two"), true);
  assert.throws(
    () => regex.test("a".repeat(100_000)),
    (error: LioranError) =>
      error.code === 2 && /100000 characters.*refers back/.test(error.message),
  );
});

test("the same expression is compiled once", () => {
  assert.equal(boundedRegex(/a+b/i), boundedRegex(/a+b/gi));
  assert.notEqual(boundedRegex(/a+b/i), boundedRegex(/a+b/));
});

test("groups that are nested too deep are refused", () => {
  const source = `${"(".repeat(1_000)}a${")".repeat(1_000)}`;
  assert.throws(() => boundedRegex(new RegExp(source)), /nested/);
});

const degrees: [RegExp, number][] = [
  [/^abc/, 1],
  [/abc/, 1],
  [/abc.*/, 1],
  [/foo(?:, ?bar)*/, 1],
  [/[a-z]+/, 1],
  [/^\d+-\d+$/, 1],
  [/^[^@]+@[^@]+$/, 1],
  [/^(?:foo|bar)$/, 1],
  [/(?:a|b)+/, 1],
  [/a*b/, 2],
  [/foo.*bar/, 2],
  [/^.*foo/, 1],
  [/^.*foo.*bar/, 2],
  [/^(?:[a-z]+\.)+$/, 2],
  [/(a+)+$/, Number.POSITIVE_INFINITY],
  [/(?:a|ab)*c/, Number.POSITIVE_INFINITY],
  [/(a?)*b/, Number.POSITIVE_INFINITY],
];

for (const [regex, expected] of degrees) {
  test(`${regex} takes steps of degree ${expected}`, () => assert.equal(degree(regex), expected));
}

/** Sources of few characters, so that texts of the same characters match often. */
const { source } = fc.letrec<{ source: string; term: string; atom: string }>((tie) => ({
  source: fc.oneof(
    { weight: 4, arbitrary: fc.array(tie("term"), { maxLength: 4 }).map((all) => all.join("")) },
    fc.tuple(tie("source"), tie("source")).map((both) => both.join("|")),
  ),
  term: fc
    .tuple(
      tie("atom"),
      fc.constantFrom("", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,}", "*?", "+?", "??"),
    )
    .map((both) => both.join("")),
  atom: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(
      ..."aabbk-é😀".match(/./gu)!,
      ..."S s . \\. \\d \\D \\w \\W \\s \\S \\n \\r \\t \\0 \\x61 \\u0062 \\cJ [ab] [^a] [a-c] [^] [] [\\d-] [^\\w]".split(
        " ",
      ),
      "[\\s\\S]",
      "[😀-😂]",
      "[k-s]",
      "[^\\n]",
      "\\ud83d",
      "ſ",
      "\\/",
    ),
    fc.constantFrom("^", "$", "\\b", "\\B"),
    tie("source").map((body) => `(${body})`),
    tie("source").map((body) => `(?:${body})`),
    tie("source").map((body) => `(?<name>${body})`),
  ),
}));
const regexes = fc
  .tuple(source, fc.subarray(["i", "m", "s", "u"]))
  .map(([text, flags]) => compiled(text, flags.join("")))
  .filter((regex) => regex !== undefined);
const plain = source.map((text) => compiled(text, "")).filter((regex) => regex !== undefined);

function compiled(text: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(text, flags);
  } catch {
    return undefined;
  }
}

const texts = fc
  .array(
    fc.constantFrom(
      ..."aaabbbcCkKsSſ\u212a-_ é.É1😀😂\n\n\r\u2028".match(/./gsu)!,
      "\ud83d",
      "\ude00",
      "\0",
    ),
    { maxLength: 8 },
  )
  .map((characters) => characters.join(""));

test("both engines agree on whether there is a match", () => {
  let compared = 0;
  fc.assert(
    fc.property(regexes, fc.array(texts, { minLength: 1, maxLength: 5 }), (regex, all) => {
      for (const text of all) {
        const found = linearly(regex, text);
        if (found === notLinear) continue;
        assert.equal(found, regex.test(text), `${regex} on ${JSON.stringify(text)}`);
        compared++;
      }
    }),
    { numRuns: runs },
  );
  assert.ok(compared > runs, `${compared} compared`);
});

test("both engines agree on where a match and its groups are", () => {
  let compared = 0;
  fc.assert(
    fc.property(regexes, texts, fc.nat(4), (regex, text, start) => {
      const node = parseRegex(regex.source, regex.flags);
      const from = Math.min(start, text.length);
      if (positionsDiffer(node) || regex.unicode) return;
      const search = new RegExp(regex.source, `${regex.flags}gd`);
      search.lastIndex = from;
      const expected = search.exec(text)?.indices?.flatMap((pair) => pair ?? [-1, -1]);
      const linear = unlessNotLinear(() => new LinearRegex(node, regex.flags).finder(text)(from));
      if (linear === notLinear) return;
      assert.deepEqual(linear, expected);
      assert.deepEqual(boundedRegex(regex).finder(text)(from), expected);
      compared++;
    }),
    { numRuns: runs },
  );
  assert.ok(compared > runs / 5, `${compared} compared`);
});

test("a set of characters is what V8 says it is", () => {
  const leaves = fc.constantFrom(..."a k S é ſ ß . \\d \\W [^a] [k-s] [À-ý] [^\\s]".split(" "));
  const chars = fc.oneof(fc.nat(0x17f), fc.nat(0xffff), fc.constantFrom(0x212a, 0x1e9e, 0x10400));
  fc.assert(
    fc.property(leaves, fc.subarray(["i", "s", "u"]), chars, (leaf, given, char) => {
      const flags = given.join("");
      if (char > 0xffff && !given.includes("u")) return;
      const node = parseRegex(leaf, flags);
      assert.ok(node.kind === "set");
      const expected = new RegExp(`^(?:${leaf})$`, flags).test(String.fromCodePoint(char));
      assert.equal(contains(characterSet(node, flags), char), expected);
    }),
    { numRuns: runs },
  );
});

test("no search takes more steps than were foreseen", () => {
  let bounded = 0;
  const subjects = fc
    .tuple(fc.constantFrom("a", "ab", "aab", "a-b "), fc.nat(12), texts)
    .map(([part, count, tail]) => part.repeat(count) + tail);
  fc.assert(
    fc.property(plain, subjects, (regex, subject) => {
      const node = parseRegex(regex.source, "");
      const foreseen = stepsFor(backtrackingSteps(node, ""), subject.length);
      if (foreseen === Number.POSITIVE_INFINITY) return;
      const made = new Backtracking(subject, foreseen).search(node);
      assert.ok(made <= foreseen, `${made} > ${foreseen}`);
      bounded++;
    }),
    { numRuns: runs },
  );
  assert.ok(bounded > runs / 5, `${bounded} bounded`);
});

/** Matches as V8 does, and counts how many characters and assertions it looks at. */
class Backtracking {
  readonly #text: string;
  readonly #limit: number;
  #steps = 0;

  constructor(text: string, limit: number) {
    this.#text = text;
    this.#limit = limit;
  }

  search(node: RegexNode): number {
    for (let from = 0; from <= this.#text.length; from++) {
      if (this.#match(node, from, () => true)) break;
    }
    return this.#steps;
  }

  #match(node: RegexNode, at: number, next: (at: number) => boolean): boolean {
    if (this.#steps > this.#limit) return true;
    switch (node.kind) {
      case "set": {
        this.#steps++;
        const char = this.#text.charCodeAt(at);
        return at < this.#text.length && contains(characterSet(node, ""), char) && next(at + 1);
      }
      case "sequence": {
        const [first, ...rest] = node.parts;
        if (!first) return next(at);
        const others: RegexNode = { kind: "sequence", parts: rest };
        return this.#match(first, at, (after) => this.#match(others, after, next));
      }
      case "alternation":
        return node.branches.some((branch) => this.#match(branch, at, next));
      case "group":
        return this.#match(node.body, at, next);
      case "repeat":
        return this.#repeat(node, at, next, 0);
      default: {
        this.#steps++;
        assert.ok(node.kind === "assertion");
        const edge = new RegExp(node.source, "y");
        edge.lastIndex = at;
        return edge.test(this.#text) && next(at);
      }
    }
  }

  #repeat(
    node: RegexNode & { kind: "repeat" },
    at: number,
    next: (at: number) => boolean,
    done: number,
  ): boolean {
    const again = () =>
      done < node.max &&
      this.#match(node.body, at, (after) => {
        if (done >= node.min && after === at) return false;
        return this.#repeat(node, after, next, done + 1);
      });
    if (done < node.min) return again();
    return node.lazy ? next(at) || again() : again() || next(at);
  }
}
