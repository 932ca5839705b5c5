/** Holds the documents against the code. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { AggregationCursor } from "../../src/api/aggregation-cursor.js";
import { Collection } from "../../src/api/collection.js";
import { AbstractCursor } from "../../src/api/cursor.js";
import { Database } from "../../src/api/database.js";
import { FindCursor } from "../../src/api/find-cursor.js";
import { LioranManager } from "../../src/api/manager.js";
import { QueryCursor } from "../../src/api/query-cursor.js";
import { ERRORS } from "../../src/errors.js";
import * as limitsModule from "../../src/limits.js";
import { resolveOptions } from "../../src/options.js";
import { accumulators } from "../../src/query/aggregate/group.js";
import { windowAccumulators } from "../../src/query/aggregate/number-accumulators.js";
import { stages } from "../../src/query/aggregate/pipeline.js";
import { windowFunctions } from "../../src/query/aggregate/window-functions.js";
import { directOperators } from "../../src/query/direct-operators.js";
import { ownOperators } from "../../src/query/expression-operators.js";
import { operatorParts } from "../../src/query/language.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const markdown = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`),
  "fixtures/data/README.md",
  "fixtures/examples/README.md",
];
const api = read("docs/api.md");
const limits: Record<string, unknown> = { ...limitsModule };

test("docs/errors.md lists every error, as it is, and no other", () => {
  const documented = tableRows(sectionOf(read("docs/errors.md"), "## All codes"))
    .slice(1)
    .map(([code, name, retryable]) => [bare(name), bare(code), retryable]);
  const existing = Object.entries(ERRORS).map(([name, row]) => [
    name,
    JSON.stringify(row.code),
    row.retryable ? "yes" : "no",
  ]);
  assert.deepEqual(documented.sort(), existing.sort());
});

test("every code that docs/errors.md mentions exists", () => {
  const codes = new Set(Object.values(ERRORS).map(({ code }) => String(code)));
  const mentioned = Array.from(read("docs/errors.md").matchAll(/`"?([A-Z]+(?:_[A-Z]+)*|\d+)"?`/g));
  const unknown = mentioned
    .map(([, code]) => code)
    .filter((code) => !codes.has(code) && !Object.hasOwn(ERRORS, code) && !/^[0]$/.test(code));
  assert.deepEqual(unknown, []);
});

test("docs/api.md lists every option of a manager with its default", () => {
  const interfaces = read("src/options.ts");
  const names = [
    ...membersOf(interfaces, "ManagerOptions"),
    ...membersOf(interfaces, "WriteQueueOptions").map((name) => `writeQueue.${name}`),
  ];
  assert.ok(names.length > 10);
  const { LIORANDB_PATH: _ours, ...environment } = process.env;
  const resolved: Record<string, unknown> = withEnvironment(environment, () => ({
    ...resolveOptions(),
  }));
  for (const [name, value] of Object.entries(resolved.writeQueue as object)) {
    resolved[`writeQueue.${name}`] = value;
  }
  const inWords: Record<string, string> = {
    rootPath: "`LIORANDB_PATH`, else `~/LioranDB/db`",
    ipc: "auto",
    cores: "`os.availableParallelism()`",
    writeQueue: "see below",
    encryptionKey: "none",
    replication: "none",
  };
  for (const name of names) {
    const row = tableRows(api).find(([first]) => first === `\`${name}\``);
    assert.ok(row, `${name} has no row in docs/api.md`);
    assert.equal(row[2], inWords[name] ?? shown(resolved[name]), `the default of ${name}`);
  }
});

for (const page of ["docs/protocol.md", "docs/format.md"]) {
  test(`the limits in ${page} are those of the code`, () => {
    const rows = tableRows(sectionOf(read(page), "## Limits")).slice(1);
    assert.ok(rows.length > 5, "the table is found");
    for (const [name, value] of rows) {
      assert.equal(numberOf(value!), limits[bare(name)], name);
    }
  });
}

test("limits that other pages name exist", () => {
  const pattern = /`([a-z]\w*(?:Max|Ms|Records|Bytes))`/g;
  const wrong = ["ARCHITECTURE.md", "docs/protocol.md", "docs/format.md"].flatMap((page) =>
    Array.from(read(page).matchAll(pattern), ([, name]) => name!).filter(
      (name) => !(name in limits) && name !== "primaryTimeoutMs" && name !== "savedAtMs",
    ),
  );
  assert.deepEqual(wrong, []);
});

test("every relative link leads somewhere", () => {
  const broken = markdown.flatMap((page) =>
    Array.from(withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g), ([, target]) => target!)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !isThere(page, target))
      .map((target) => `${page}: ${target}`),
  );
  assert.deepEqual(broken, []);
});

test("every file that the documents name exists", () => {
  const pattern = /`((?:src|test|fixtures|docs|\.ci)\/[\w./-]+|[a-z]+\/[a-z-]+\.ts)`/g;
  const missing = markdown.flatMap((page) =>
    Array.from(read(page).matchAll(pattern), ([, path]) => path!)
      .filter((path) => !existsSync(join(root, path)) && !existsSync(join(root, "src", path)))
      .map((path) => `${page}: ${path}`),
  );
  assert.deepEqual(missing, []);
});

test("the folder tree of ARCHITECTURE.md is that of src", () => {
  const tree = sectionOf(read("ARCHITECTURE.md"), "## Folders");
  for (const folder of ["api", "jobs", "dispatch", "query", "storage", "runtime"]) {
    const part = tree.split(/\n {4}(?=\S)/).find((one) => one.startsWith(`src/${folder}/`)) ?? "";
    // A line names files up to the first gap of two spaces, then says what they are for.
    const named = part
      .split("\n")
      .slice(1)
      .flatMap((line) => line.trim().split(/ {2,}/)[0]!.split(" "))
      .filter((name) => /^[a-z-]+$/.test(name));
    const existing = readdirSync(join(root, "src", folder))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => name.slice(0, -3));
    assert.deepEqual(named.sort(), existing.sort(), `src/${folder} in ARCHITECTURE.md`);
  }
});

test("the examples of the README are the example files", () => {
  const blocks = Array.from(
    read("README.md").matchAll(/```ts\n([\s\S]*?)```/g),
    ([, code]) => code,
  );
  assert.deepEqual(blocks, [
    read("fixtures/examples/primary.ts"),
    read("fixtures/examples/client.ts"),
    read("fixtures/examples/queries.ts"),
  ]);
});

test("the examples of docs/jobs.md are the example files", () => {
  const blocks = Array.from(
    read("docs/jobs.md").matchAll(/```ts\n([\s\S]*?)```/g),
    ([, code]) => code,
  );
  assert.deepEqual(blocks, [read("fixtures/examples/job.ts"), read("fixtures/examples/score.ts")]);
});

test("docs/jobs.md lists every option of a job", () => {
  const options = membersOf(
    read("src/api/types.ts").replace("<T = Document>", ""),
    "ParallelOptions",
  );
  const rows = tableRows(
    sectionOf(read("docs/jobs.md"), "## `collection.parallel(module[, options])`"),
  );
  const listed = rows.slice(1).map(([name]) => bare(name));
  assert.ok(options.length > 10);
  assert.deepEqual(listed.slice(0, options.length).sort(), options.sort());
});

test("docs/api.md describes everything that index.ts exports", () => {
  const names = read("src/index.ts")
    .split(";")
    .flatMap((statement) => exportedNames(statement));
  assert.ok(names.includes("LioranManager") && names.includes("UpdateResult"), names.join());
  assert.deepEqual(
    names.filter((name) => !api.includes(`\`${name}\``)),
    [],
  );
});

const classes = [
  { type: LioranManager, receiver: "manager" },
  { type: Database, receiver: "database" },
  { type: Collection, receiver: "collection" },
  { type: AbstractCursor, receiver: "cursor" },
  { type: QueryCursor, receiver: "cursor" },
  { type: FindCursor, receiver: "cursor" },
  { type: AggregationCursor, receiver: "cursor" },
];
/** Static members that every class has. */
const ofEveryClass = new Set(["length", "name", "prototype"]);
/** Protected members. */
const internal = new Set([
  "constructor",
  "feed",
  "assertNew",
  "copySettings",
  "inOneCall",
  "readNow",
  "begin",
  "whole",
]);

test("docs/api.md has a heading for every member of every class, and no other", () => {
  const headings = Array.from(api.matchAll(/^### `(\w+\.\w+)/gm), ([, name]) => name!);
  const members = classes.flatMap(({ type, receiver }) => [
    ...Object.getOwnPropertyNames(type)
      .filter((name) => !ofEveryClass.has(name))
      .map((name) => `${type.name}.${name}`),
    ...Object.getOwnPropertyNames(type.prototype)
      .filter((name) => !internal.has(name))
      .map((name) => `${receiver}.${name}`),
  ]);
  assert.deepEqual([...new Set(headings)].sort(), [...new Set(members)].sort());
});

test("docs/api.md lists every expression operator, and no other", () => {
  const section = sectionOf(api, "### Expression operators");
  const listed = Array.from(section.matchAll(/`(\$\w+)`/g), ([, name]) => name!);
  const parts = Object.values(operatorParts).flatMap((names) => names.split(/\s+/));
  const existing = new Set([
    ...parts.map((name) => `$${name}`),
    ...Object.keys(ownOperators),
    ...Object.keys(directOperators),
  ]);
  assert.deepEqual(listed.filter((name) => name !== "$expr").sort(), [...existing].sort());
});

test("docs/api.md lists every stage, accumulator and window function, and no other", () => {
  const section = sectionOf(api, "### Aggregation");
  const names = (text: string) => Array.from(text.matchAll(/`(\$\w+)`/g), ([, name]) => name!);
  const listedStages = tableRows(section).flatMap(([first]) => names(first!));
  assert.deepEqual(listedStages.sort(), [...Object.keys(stages), "$merge", "$out"].sort());
  const [inGroups = "", inWindows = ""] = section
    .split("\nAccumulators, in")[1]!
    .split("\n\nVariables")[0]!
    .split("\nOnly in")
    .map((part) => part.slice(part.indexOf(":\n")));
  assert.deepEqual(names(inGroups).sort(), Object.keys(accumulators).sort());
  const ofWindows = Object.keys({ ...windowFunctions, ...windowAccumulators });
  assert.deepEqual(names(inWindows).sort(), ofWindows.sort());
});

test("docs/dependencies.md lists every dependency, and no other", () => {
  const { dependencies, devDependencies } = JSON.parse(read("package.json"));
  const peers = JSON.parse(read("test/bench/peers/package.json")).dependencies;
  const existing = Object.keys({ ...dependencies, ...devDependencies, ...peers });
  const listed = tableRows(read("docs/dependencies.md"))
    .map(([name]) => bare(name))
    .filter((name) => name !== "package");
  assert.deepEqual(listed.sort(), existing.sort());
});

/** The cells of all rows of all tables, without the lines under the headers. */
function tableRows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("|") && !line.startsWith("| ---"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** From a heading to the next one. */
function sectionOf(text: string, heading: string): string {
  const parts = text.split(`\n${heading}\n`);
  assert.equal(parts.length, 2, `one heading "${heading}"`);
  return parts[1]!.split(/\n#+ /)[0]!;
}

function bare(cell = ""): string {
  return cell.replaceAll("`", "");
}

function shown(value: unknown): string {
  return typeof value === "number" ? value.toLocaleString("en-US") : `\`"${value}"\``;
}

/** A value of a table of limits, such as `48 MiB`, in the unit of the code: bytes or milliseconds. */
function numberOf(text: string): number {
  const [, digits, unit] = /^([\d,]+(?:\.\d+)?)(?: (KiB|MiB|ms|s|min))?$/.exec(text) ?? [];
  assert.ok(digits, `${text} is a number with a unit`);
  const factors = { KiB: 1024, MiB: 1024 ** 2, ms: 1, s: 1_000, min: 60_000, "": 1 };
  return Number(digits.replaceAll(",", "")) * factors[(unit ?? "") as keyof typeof factors];
}

function membersOf(source: string, name: string): string[] {
  const body = new RegExp(`export interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(source)![1]!;
  return Array.from(body.matchAll(/^ {2}(\w+)\?:/gm), ([, member]) => member!);
}

function withEnvironment<T>(environment: NodeJS.ProcessEnv, work: () => T): T {
  const before = process.env;
  process.env = environment;
  try {
    return work();
  } finally {
    process.env = before;
  }
}

function exportedNames(statement: string): string[] {
  const from = /from "\.\/(.*)\.js"/.exec(statement)?.[1];
  if (statement.includes("export type * from")) {
    return Array.from(
      read(`src/${from}.ts`).matchAll(/^export (?:type|interface) (\w+)/gm),
      ([, name]) => name!,
    );
  }
  const list = /\{([\s\S]*?)\}/.exec(statement)?.[1] ?? "";
  return list
    .split(",")
    .map((name) => name.replace("type ", "").trim())
    .filter((name) => name !== "");
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, "");
}

function isThere(page: string, target: string): boolean {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? join(root, page) : join(root, dirname(page), path);
  if (!existsSync(file)) return false;
  if (anchor === undefined) return true;
  return statSync(file).isFile() && anchors(readFileSync(file, "utf8")).includes(anchor);
}

/** The names that GitHub gives to headings. */
function anchors(text: string): string[] {
  return Array.from(withoutCode(text).matchAll(/^#+ (.*)$/gm), ([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}
