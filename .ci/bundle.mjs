// Bundles the package's entry points, one file per thread: loading ninety small modules costs a
// short-lived process more than opening the database. Of the dependencies the two that every process
// needs at once, and that are plain JavaScript, go in; the others are loaded when they are needed.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), "dist");

const options = {
  absWorkingDir: dist,
  outdir: "lib",
  bundle: true,
  external: ["ajv", "fs-native-extensions", "lmdb", "mingo", "mingo/*", "piscina", "re2js", "uuid"],
  // Its main entry for Node.js also loads streams and looks for an addon.
  alias: { "cbor-x/encode": join(dirname(dist), "node_modules", "cbor-x", "encode.js") },
  banner: {
    js: "// Contains cbor-x (MIT, Kris Zyp) and async-mutex (MIT, Christian Speckner): docs/dependencies.md",
  },
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

// The names of parts change with their content: those of an earlier build go, when the new ones are there.
const parts = new Set(Object.keys(metafile.outputs));
for (const name of readdirSync(join(dist, "lib"))) {
  if (name.startsWith("index-") && !parts.has(`lib/${name}`)) rmSync(join(dist, "lib", name));
}
