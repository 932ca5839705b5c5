import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { regexPrefix } from "../../../src/query/regex-prefix.js";

const prefixes: [RegExp, string | undefined, boolean?][] = [
  [/^abc/, "abc", true],
  [/^abc.*/, "abc", true],
  [/^abc.*/s, "abc", true],
  [/^abc.*$/, "abc", false],
  [/^abc$/, "abc", false],
  [/^abc.+/, "abc", false],
  [/^abc*/, "ab", true],
  [/^abc?d/, "ab", false],
  [/^abc+/, "abc", true],
  [/^abc+d/, "abc", false],
  [/^ab{2}/, "abb", true],
  [/^ab{2,3}c/, "abb", false],
  [/^ab{0,3}/, "a", true],
  [/^ab{1000}/, `a${"b".repeat(16)}`, false],
  [/^a\.b\/c\x64\u0065/, "a.b/cde", true],
  [/^a[bc]/, "a", false],
  [/^a[b]/, "a", false],
  [/^a(bc)/, "a", false],
  [/^a(bc)*/, "a", true],
  [/^a\d/, "a", false],
  [/^a\b/, "a", false],
  [/^é😀/, "é😀", true],
  [/^é😀/u, "é😀", true],
  [/^a\u{1f600}+/u, "a😀", true],
  [/^a😀*/u, "a", true],
  [/^a\ud83d/, "a", false],
  [/^a😀*/, "a", false],
  [/^/, undefined],
  [/^$/, undefined],
  [/^.*/, undefined],
  [/^a*/, undefined],
  [/^[a]/, undefined],
  [/abc/, undefined],
  [/\^abc/, undefined],
  [/^abc/i, undefined],
  [/^abc/m, undefined],
  [/^abc|^abd/, undefined],
  [/^abc|d/, undefined],
  [/(^abc)/, undefined],
  [/^(abc|abd)/, undefined],
  [/^^a/, undefined],
];

for (const [regex, prefix, exact] of prefixes) {
  const found = prefix === undefined ? "no prefix" : `the prefix ${JSON.stringify(prefix)}`;
  test(`${String(regex).slice(0, 40)} has ${found}${exact ? ", and nothing else" : ""}`, () => {
    assert.deepEqual(regexPrefix(regex), prefix === undefined ? undefined : { prefix, exact });
  });
}

test("every match starts with the prefix, and with an exact one every start is a match", () => {
  const parts = fc.constantFrom(
    ..."a b ab . \\. [ab] (a|b) (?:ab) a|b a* b+ a? b{2} a{0,2} .* .+ $ \\b 😀".split(" "),
  );
  const sources = fc.array(parts, { maxLength: 4 }).map((all) => `^${all.join("")}`);
  const texts = fc
    .array(fc.constantFrom("a", "b", "ab", ".", "\n", "😀", "\ud83d"), { maxLength: 6 })
    .map((all) => all.join(""));
  let checked = 0;
  fc.assert(
    fc.property(sources, fc.constantFrom("", "s", "u"), texts, (source, flags, text) => {
      const regex = new RegExp(source, flags);
      const found = regexPrefix(regex);
      if (!found) return;
      checked++;
      const all = [text, found.prefix + text];
      for (const one of all) {
        const starts = one.startsWith(found.prefix);
        if (regex.test(one)) assert.ok(starts, `${regex} matches ${JSON.stringify(one)}`);
        else if (found.exact) assert.ok(!starts, `${regex} does not match ${JSON.stringify(one)}`);
      }
    }),
    { numRuns: Number(process.env.LIORAN_FUZZ_RUNS ?? 2_000) },
  );
  assert.ok(checked > 100);
});
