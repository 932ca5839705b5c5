// Makes a fresh clone runnable: installs the locked dependencies when they are missing or changed,
// then compiles and bundles. `npm start`, `npm test`, `npm run check` and `npm run bench` begin here.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`@liorandb/core needs Node.js 20.19 or newer; this is ${process.version}.`);
  process.exit(1);
}

// Prebuilt binaries depend on platform, architecture and (for compiled ones) on the Node ABI.
const wanted = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .update(`${process.platform} ${process.arch} ${process.versions.modules}`)
  .digest("hex");
const stampFile = join(root, "node_modules", ".lioran-install");
const installed = existsSync(stampFile) ? readFileSync(stampFile, "utf8") : "";
if (installed !== wanted) {
  console.error("Installing dependencies (npm install) ...");
  // Not `npm ci`: it refuses a registry that lacks an optional binary of some other platform. This
  // takes the same locked versions and leaves the lock file alone.
  const options = ["--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  run(process.platform === "win32" ? "npm.cmd" : "npm", ["install", ...options]);
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, wanted);
}

const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
run(process.execPath, [compiler, "-p", join(root, "tsconfig.json")]);
run(process.execPath, [join(root, ".ci", "bundle.mjs")]);

/** Runs one step; its output goes to stderr so that the stdout of `npm start` stays the program's. */
function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", process.stderr.fd, process.stderr.fd],
    shell: command.endsWith(".cmd"),
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
