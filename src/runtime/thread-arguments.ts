/**
 * Node's own arguments for our threads: those of the process. But `--input-type`, which says what a program on the
 * command line is, is refused by a thread that begins with a file.
 */
export function threadArguments(): { execArgv?: string[] } {
  const isRefused = process.execArgv.some((argument) => argument.startsWith("--input-type"));
  return isRefused ? { execArgv: [] } : {};
}
