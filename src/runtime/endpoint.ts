/**
 * Where a primary listens: a Unix socket in the root, or in a private folder under the temporary
 * folder where the root's path is too long for a socket address or its file system has no sockets;
 * a named pipe on Windows. The name contains the epoch, so that an endpoint is never used twice.
 */
import { chmodSync, lstatSync, mkdirSync, readdirSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { LioranError } from "../errors.js";
import { socketPathBytesMax } from "../limits.js";

const socketPattern = /^\.lioran-\d+\.sock$/;

/** The endpoints a primary may use, the preferred one first. */
export function endpointCandidates(rootPath: string, rootId: string, epoch: number): string[] {
  // Loaded here, because only a primary needs it.
  const { createHash } = process.getBuiltinModule("node:crypto");
  const digest = createHash("sha256").update(`${rootId}\0${rootPath}`).digest("hex").slice(0, 16);
  if (process.platform === "win32") return [`\\\\.\\pipe\\lioran-${digest}-${epoch}`];
  const inRoot = join(rootPath, `.lioran-${epoch}.sock`);
  const inTemp = join(privateFolder(), `${digest}-${epoch}.sock`);
  return [inRoot, inTemp].filter((path) => Buffer.byteLength(path) <= socketPathBytesMax);
}

/** Prepares the folder of an endpoint and removes what a killed primary left. Only the lock's holder may. */
export function prepareEndpoint(rootPath: string, endpoint: string): void {
  if (process.platform === "win32") return;
  for (const name of readdirSync(rootPath)) {
    if (socketPattern.test(name)) removeIfPossible(join(rootPath, name));
  }
  if (dirname(endpoint) === rootPath) return;
  ensurePrivateFolder(privateFolder());
  unlinkIfThere(endpoint);
}

/** Makes the socket usable by this user only. */
export function protectEndpoint(endpoint: string): void {
  if (process.platform !== "win32") chmodSync(endpoint, 0o600);
}

export function removeEndpoint(endpoint: string): void {
  if (process.platform !== "win32") unlinkIfThere(endpoint);
}

function privateFolder(): string {
  return join(tmpdir(), `lioran-${process.geteuid?.()}`);
}

/** A folder under a shared temporary folder could have been planted by somebody else. */
function ensurePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  const isOurs =
    lstatSync(folder).isDirectory() && uid === process.geteuid?.() && (mode & 0o077) === 0;
  if (isOurs) return;
  throw new LioranError(
    "PERMISSION",
    `${folder} does not belong to this user alone; remove it, or set TMPDIR to a private folder.`,
  );
}

/** What cannot be removed matters only when it is in the way of the endpoint: listening then fails. */
function removeIfPossible(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // A folder of this name, for example.
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
