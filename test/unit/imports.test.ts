import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const source = join(dirname(fileURLToPath(import.meta.url)), "../../../src");

/** What each layer may import besides itself. Files directly in `src` and the leaves are for everyone. */
const leaves = ["", "cbor", "values"];
const layers: Record<string, readonly string[]> = {
  "": ["values"],
  cbor: [""],
  values: [""],
  storage: leaves,
  query: [...leaves, "storage"],
  dispatch: [...leaves, "query", "storage"],
  protocol: leaves,
  transport: [...leaves, "protocol"],
  runtime: [...leaves, "dispatch", "query", "storage", "protocol", "transport"],
  jobs: [...leaves, "dispatch", "storage", "runtime"],
  api: [...leaves, "dispatch", "query", "storage", "runtime", "jobs"],
  cli: [...leaves, "api"],
};

/** Which layers may use a package: each has one place where it is at work. */
const packages: Record<string, readonly string[]> = {
  ajv: ["query"],
  "async-mutex": ["runtime"],
  "cbor-x": ["cbor"],
  "fs-native-extensions": ["storage"],
  lmdb: ["storage"],
  mingo: ["query"],
  "node:worker_threads": ["runtime", "transport", "jobs"],
  piscina: ["runtime"],
  re2js: ["query"],
  uuid: ["values"],
};

interface Import {
  from: string;
  to: string;
}

const files = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .sort();
const imports = files.flatMap(importsOf);

test("the check sees the imports", () => {
  assert.ok(imports.length > 200, `only ${imports.length} imports found`);
  assert.ok(imports.some(({ to }) => to === "lmdb"));
});

test("imports point one way between the layers", () => {
  const wrong = imports.filter(({ from, to }) => {
    if (!isFile(to) || from === "index.ts") return false;
    const [layer, target] = [layerOf(from), layerOf(to)];
    return layer !== target && !layers[layer].includes(target);
  });
  assert.deepEqual(wrong, []);
});

test("each package is imported only where it is at work", () => {
  const wrong = imports.filter(({ from, to }) => {
    const name = Object.keys(packages).find((one) => to === one || to.startsWith(`${one}/`));
    if (name) return !packages[name].includes(layerOf(from));
    return !isFile(to) && !to.startsWith("node:");
  });
  assert.deepEqual(wrong, []);
});

test("there are no import cycles, not even of types", () => {
  const graph = new Map<string, string[]>();
  for (const { from, to } of imports) {
    if (isFile(to)) graph.set(from, [...(graph.get(from) ?? []), to]);
  }
  assert.deepEqual(findCycle(graph), []);
});

test("the check finds a cycle where there is one", () => {
  const graph = new Map([
    ["a", ["b"]],
    ["b", ["c"]],
    ["c", ["a"]],
  ]);
  assert.deepEqual(findCycle(graph), ["a", "b", "c", "a"]);
});

function importsOf(file: string): Import[] {
  const text = readFileSync(join(source, file), "utf8");
  const found = text.matchAll(/(?:from\s+|import\s*\(\s*|require\(\s*|^import\s+)"([^"$\s]+)"/gm);
  return Array.from(found, ([, to]) => ({
    from: file,
    to: to.startsWith(".")
      ? relative(source, normalize(join(source, dirname(file), to))).replace(/\.js$/, ".ts")
      : to,
  }));
}

function isFile(name: string): boolean {
  return name.endsWith(".ts");
}

function layerOf(file: string): string {
  const [folder, ...rest] = file.split(/[\\/]/);
  return rest.length === 0 ? "" : folder;
}

/** @returns the files of a cycle, the first one repeated at the end; empty when there is none */
function findCycle(graph: Map<string, string[]>): string[] {
  const done = new Set<string>();
  const visit = (file: string, path: string[]): string[] => {
    const at = path.indexOf(file);
    if (at !== -1) return [...path.slice(at), file];
    if (done.has(file)) return [];
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next, [...path, file]);
      if (cycle.length > 0) return cycle;
    }
    done.add(file);
    return [];
  };
  for (const file of graph.keys()) {
    const cycle = visit(file, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
