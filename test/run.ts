/**
 * Runs every test: `npm test [-- part-of-a-file-name ...]`. With `--soak` it runs those that have a long form, in that
 * (`support/soak.ts`).
 *
 * The tests get a temporary folder of their own; whatever is left in it, or still running, when they
 * are done is a leak and fails the run.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const compiledRoot = dirname(dirname(fileURLToPath(import.meta.url)));
const root = dirname(compiledRoot);
const isSoak = process.argv[2] === "--soak";
const wanted = process.argv.slice(isSoak ? 3 : 2);
/** Twice the cores of the machine CI has: many of them wait for a disk, a deadline or another process. */
const concurrency = 4;

const files = testFiles(join(root, "test")).filter(
  (file) =>
    wanted.length === 0 || wanted.some((part) => relative(compiledRoot, file).includes(part)),
);
if (files.length === 0) {
  console.error(`No test file matches ${wanted.join(", ")}.`);
  process.exit(1);
}

// Short, so that sockets in the roots of tests stay within the length of a socket address.
const temporary = mkdtempSync(join(tmpdir(), "lt-"));
const marker = `LIORAN_TEST_RUN=${temporary}`;
const defaultRoot = join(homedir(), "LioranDB");
const hadDefaultRoot = existsSync(defaultRoot);
const code = await run(files);
const leaks = [...leftProcesses(), ...readdirSync(temporary).map((name) => `folder ${name}`)];
if (!hadDefaultRoot && existsSync(defaultRoot)) leaks.push(`folder ${defaultRoot}`);
rmSync(temporary, { recursive: true, force: true });
for (const leak of leaks) console.error(`LEAK: the tests left behind ${leak}`);
process.exit(code || (leaks.length > 0 ? 1 : 0));

/** Sources decide what there is: compiled files of deleted tests may lie around. */
function testFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.name === "node_modules") return [];
      if (entry.isDirectory()) return testFiles(path);
      if (!entry.name.endsWith(".test.ts")) return [];
      if (isSoak && !readFileSync(path, "utf8").includes("/support/soak.js")) return [];
      return [join(compiledRoot, relative(root, path).replace(/\.ts$/, ".js"))];
    })
    .sort();
}

function run(paths: string[]): Promise<number> {
  const args = ["--test", "--enable-source-maps", `--test-concurrency=${concurrency}`, ...paths];
  const child = spawn(process.execPath, args, {
    stdio: "inherit",
    env: {
      ...process.env,
      TMPDIR: temporary,
      LIORAN_TEST_RUN: temporary,
      ...(isSoak && { LIORAN_TEST_SOAK: "1" }),
    },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (exitCode) => resolve(exitCode ?? 1));
  });
}

/** Processes that carry the marker of this run in their environment (Linux only). Ends them. */
function leftProcesses(): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      if (!readFileSync(`/proc/${pid}/environ`, "utf8").includes(marker)) return [];
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      process.kill(Number(pid), "SIGKILL");
      return [`process ${pid}: ${command}`];
    } catch {
      return []; // It has ended meanwhile, or is not ours to read.
    }
  });
}
