/**
 * What a process puts into the environment of its children so that they can join its root, and how a
 * child reads it. Two variables; everything else is the child's own business.
 */
import { isAbsolute } from "node:path";
import { LioranError } from "../errors.js";
import type { IpcMode, ManagerOptions, ResolvedOptions } from "../options.js";
import { isPlainObject } from "../values/document.js";

const rootVariable = "LIORAN_ROOT";
const ipcVariable = "LIORAN_IPC";

/** How the children of a manager take part, by how it takes part itself. */
const childMode: Record<ResolvedOptions["ipc"], "auto" | "client" | "readonly"> = {
  // Whichever of them is alive serves the others, also when the parent dies.
  auto: "auto",
  // It was said which process is the primary: no child takes that over.
  primary: "client",
  client: "client",
  readonly: "readonly",
};

const modes: readonly string[] = ["auto", "primary", "client", "readonly"];

/** The variables for a child of a manager with these options. */
export function environmentFor({ rootPath, ipc }: ResolvedOptions): Record<string, string> {
  return { [rootVariable]: rootPath, [ipcVariable]: childMode[ipc] };
}

/**
 * The options of a child. A variable is looked at only where the option is not given.
 *
 * @throws INVALID_OPTION naming the variable that is missing or wrong
 */
export function optionsFrom(
  environment: NodeJS.ProcessEnv,
  given: ManagerOptions = {},
): ManagerOptions {
  // The constructor says what is wrong with it.
  if (!isPlainObject(given)) return given;
  const options: ManagerOptions = { ...given };
  if (options.rootPath === undefined) options.rootPath = rootFrom(environment);
  if (options.ipc === undefined) options.ipc = ipcFrom(environment);
  return options;
}

function rootFrom(environment: NodeJS.ProcessEnv): string {
  const rootPath = variableOf(environment, rootVariable, "rootPath");
  if (isAbsolute(rootPath)) return rootPath;
  throw new LioranError(
    "INVALID_OPTION",
    `The environment variable ${rootVariable} must be an absolute path, not ${shown(rootPath)}: a child may ` +
      "run in another folder than its parent.",
  );
}

/** `undefined` means auto, as in {@link ManagerOptions}. */
function ipcFrom(environment: NodeJS.ProcessEnv): IpcMode | undefined {
  const ipc = variableOf(environment, ipcVariable, "ipc");
  if (modes.includes(ipc)) return ipc === "auto" ? undefined : (ipc as IpcMode);
  throw new LioranError(
    "INVALID_OPTION",
    `The environment variable ${ipcVariable} must be one of ${modes.join(", ")}, not ${shown(ipc)}.`,
  );
}

function variableOf(environment: NodeJS.ProcessEnv, name: string, option: string): string {
  const value = environment[name];
  if (value) return value;
  throw new LioranError(
    "INVALID_OPTION",
    `The environment variable ${name} is ${value === undefined ? "not set" : "empty"}. Start this process with ` +
      `{ env: { ...process.env, ...manager.env() } }, or pass the option "${option}" to fromEnv().`,
  );
}

function shown(value: string): string {
  return JSON.stringify(value.slice(0, 80));
}
