/** Expressions and texts that make a backtracking engine run for years: every call is answered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AgentError, openAgent } from "./agent.js";
import { Site } from "./site.js";

const length = 200_000;
const documents = [
  { _id: "a", text: `${"a".repeat(length)}!` },
  { _id: "email", text: `${"a".repeat(length)}@${"a.".repeat(1_000)}` },
  { _id: "space", text: `${" ".repeat(length)}x` },
  { _id: "short", text: "aaab" },
];
const answers: [pattern: string, ids: string[]][] = [
  ["^(a+)+$", []],
  ["^(a|aa)+b$", ["short"]],
  ["(.*a){20}b", []],
  ["^(([a-z])+.)+[A-Z]([a-z])+$", []],
  ["^([a-z]+)+@([a-z]+\\.)+$", ["email"]],
  ["\\s+$", []],
  ["a*b", ["short"]],
];

for (const ipc of ["primary", "client"] as const) {
  test(`hostile expressions occupy no thread of a ${ipc}`, async (t) => {
    const site = new Site(t);
    const primary = await openAgent(site, "first");
    const agent = ipc === "primary" ? primary : await openAgent(site, "second", { ipc });
    for (const document of documents) await agent.things("insertOne", document);
    for (const [pattern, ids] of answers) {
      const found = await agent.find({ text: { $regex: pattern } });
      assert.deepEqual(found.map(({ _id }) => _id).sort(), ids, pattern);
      const $regexMatch = { input: "$text", regex: pattern };
      assert.equal(await agent.things("countDocuments", { $expr: { $regexMatch } }), ids.length);
      const { modifiedCount } = (await agent.things(
        "updateMany",
        { text: { $not: { $regex: pattern } } },
        { $set: { [`not.${ids.length}`]: pattern } },
      )) as { modifiedCount: number };
      assert.equal(modifiedCount, documents.length - ids.length, pattern);
    }
    await assert.rejects(
      agent.find({ text: { $regex: "(a+)+\\1$" } }),
      (error: AgentError) => error.code === 2 && /cannot run in linear time/.test(error.message),
    );
    await assert.rejects(
      agent.things("deleteMany", { text: { $regex: "^(?=(a+)+$)" } }),
      (error: AgentError) => error.code === 2,
    );
    assert.equal(await agent.things("countDocuments", {}), documents.length);
  });
}
