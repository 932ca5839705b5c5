// Installs what the benchmarks compare LioranDB with, when it is missing or changed. A failure is not
// fatal: the benchmark names the peer that it had to leave out.
//
// No package's install script runs. rave-level's binaries come inside its packages; better-sqlite3
// downloads its own from a site that may be out of reach, so it is compiled here, by a script of this
// folder's package.json: npm 10 and 11 both run that without asking, with npm's own node-gyp.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));
const wanted = createHash("sha256")
  .update(readFileSync(join(folder, "package.json")))
  .update(readFileSync(join(folder, "package-lock.json")))
  .update(`${process.platform} ${process.arch} ${process.versions.modules}`)
  .digest("hex");
const stampFile = join(folder, "node_modules", ".lioran-install");
const installed = existsSync(stampFile) ? readFileSync(stampFile, "utf8") : "";

if (installed !== wanted) {
  console.error("Installing what the benchmarks compare with (npm ci) ...");
  if (npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])) {
    console.error("Compiling better-sqlite3, which takes a minute or two ...");
    const compiled = npm(["run", "--silent", "compile-better-sqlite3"]);
    if (!compiled) console.error("better-sqlite3 did not compile: the benchmarks leave it out.");
    mkdirSync(dirname(stampFile), { recursive: true });
    if (compiled) writeFileSync(stampFile, wanted);
  } else {
    console.error("npm ci failed in test/bench: the benchmarks leave out what is missing.");
  }
}

function npm(args) {
  const windows = process.platform === "win32";
  const { status, error } = spawnSync(windows ? "npm.cmd" : "npm", args, {
    cwd: folder,
    env: { ...process.env, ...localHeaders(), npm_config_loglevel: "error" },
    stdio: ["ignore", process.stderr.fd, process.stderr.fd],
    shell: windows,
  });
  if (error) console.error(String(error));
  return status === 0;
}

/** Compiling needs Node's headers: those beside this Node, if they are there, save a download. */
function localHeaders() {
  const prefix = dirname(dirname(process.execPath));
  const found = existsSync(join(prefix, "include", "node", "node.h"));
  return found ? { npm_config_nodedir: prefix } : {};
}
