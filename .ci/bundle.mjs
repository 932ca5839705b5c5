// Bundles the package's entry points, one file per thread: loading ninety small modules costs a
// short-lived process more than opening the database. Of the dependencies async-mutex, which every process
// needs at once, goes in; cbor-x and lmdb-js get files of their own, with less in them than their packages load; the
// others are loaded from their packages when they are needed.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), "dist");
const lmdbFolder = join(dirname(dist), "node_modules", "lmdb");
const { version: lmdbVersion } = JSON.parse(readFileSync(join(lmdbFolder, "package.json"), "utf8"));

const options = {
  absWorkingDir: dist,
  outdir: "lib",
  bundle: true,
  external: ["ajv", "fs-native-extensions", "lmdb", "mingo", "mingo/*", "piscina", "re2js", "uuid"],
  banner: { js: "// Contains async-mutex (MIT, Christian Speckner): docs/dependencies.md" },
  format: "esm",
  platform: "node",
  target: "node20.19",
  sourcemap: true,
  // Names stay, for stack traces; comments and indentation are most of what would be parsed.
  minifySyntax: true,
  minifyWhitespace: true,
  // An uncaught error shows the line it came from.
  lineLimit: 160,
  // Not `keepNames`, which defines a name for every closure each time it is made (measured: 5 % of a query).
  legalComments: "none",
  define: {
    bundledCborX: JSON.stringify("./cbor-x.cjs"),
    bundledLmdbVersion: JSON.stringify(lmdbVersion),
  },
  logLevel: "warning",
};

/**
 * What is loaded late needs some of what was loaded first, each part of it something else, and esbuild would make a
 * file of every such something: a dozen, which a process that starts reads one by one. Where all late parts lead back
 * to the whole, that stays one file.
 */
const oneFirstFile = {
  name: "one-first-file",
  setup({ onLoad }) {
    const index = JSON.stringify(join(dist, "src", "index.js"));
    const late = [
      "local-reads",
      "rare-reads",
      "aggregate-output",
      "insert-stream",
      "job",
      "job-process",
    ];
    const filter = new RegExp(`[\\\\/](${late.join("|")})\\.js$`);
    onLoad({ filter }, ({ path }) => ({
      contents: `export * as whole from ${index};\n${readFileSync(path, "utf8")}`,
    }));
  },
};

/** Each must be there as often as it says: another version of lmdb-js may look different. */
const lmdbReplacements = [
  { from: "__filename", to: "lmdbPackage.lmdbEntry", times: 3 },
  { from: "require('msgpackr')", to: part("late-msgpackr"), times: 1 },
  {
    from: "require('@harperfast/extended-iterable')",
    to: "lmdbPackage.requireFromLmdb('@harperfast/extended-iterable')",
    times: 1,
  },
  {
    from: "require('node-gyp-build-optional-packages')",
    to: `${part("addon")}.loadAddon`,
    times: 1,
  },
];

function part(name) {
  const path = join(dist, "src", "storage", "lmdb-bundle", `${name}.js`);
  return `require(${JSON.stringify(path)})`;
}

const leanLmdb = {
  name: "lean-lmdb",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]lmdb[\\/]dist[\\/]index\.cjs$/ }, ({ path }) => {
      let contents = readFileSync(path, "utf8");
      for (const { from, to, times } of lmdbReplacements) {
        const pieces = contents.split(from);
        if (pieces.length !== times + 1)
          throw new Error(`lmdb-js has ${from} ${pieces.length - 1} times`);
        contents = pieces.join(to);
      }
      return { contents: `const lmdbPackage = ${part("package")};\n${contents}` };
    });
  },
};

// The main thread starts with the smaller part: what it imports dynamically goes into files of its own.
const { metafile } = await build({
  ...options,
  // The child processes of jobs share its classes: an error that a user's module catches is a `LioranError`.
  entryPoints: { index: "src/index.js", "job-process": "src/api/job-process.js" },
  splitting: true,
  plugins: [oneFirstFile],
  chunkNames: "index-[hash]",
  metafile: true,
});
await build({
  ...options,
  // Threads are started by these names, beside the file that starts them.
  entryPoints: {
    "host-thread": "src/runtime/host-thread.js",
    "query-worker": "src/runtime/query-worker.js",
    "job-thread": "src/jobs/job-thread.js",
    "parent-watch": "src/jobs/parent-watch.js",
  },
});

await build({
  ...options,
  // The package's own entry for `require` also loads streams and looks for an addon.
  entryPoints: { "cbor-x": join(dirname(dist), "node_modules", "cbor-x", "encode.js") },
  outExtension: { ".js": ".cjs" },
  format: "cjs",
  banner: { js: "// Contains cbor-x (MIT, Kris Zyp): docs/dependencies.md" },
});
// lmdb-js without what none of our stores uses, and with a shorter way to its native addon.
await build({
  ...options,
  entryPoints: { lmdb: join(lmdbFolder, "dist", "index.cjs") },
  outExtension: { ".js": ".cjs" },
  format: "cjs",
  banner: {
    js:
      "// Contains lmdb, ordered-binary and weak-lru-cache (MIT, Kris Zyp): docs/dependencies.md\n" +
      'const bundleUrl = require("node:url").pathToFileURL(__filename).href;',
  },
  define: { "import.meta.url": "bundleUrl" },
  plugins: [leanLmdb],
});

// The names of parts change with their content: those of an earlier build go, when the new ones are there.
const parts = new Set(Object.keys(metafile.outputs));
for (const name of readdirSync(join(dist, "lib"))) {
  if (name.startsWith("index-") && !parts.has(`lib/${name}`)) rmSync(join(dist, "lib", name));
}
