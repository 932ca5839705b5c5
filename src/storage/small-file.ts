/**
 * Reads files of ours whose place somebody else may have taken: a named pipe would be waited for without end, a huge
 * file would fill the memory, a link leads to something that is not ours.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** No waiting for the other end of a pipe. Windows has none of these. */
export const withoutWaiting = constants.O_NONBLOCK ?? 0;
export const withoutLinks = constants.O_NOFOLLOW ?? 0;

/**
 * The beginning of a file as text; undefined when there is something else than a regular file.
 *
 * @throws what `openSync` throws
 */
export function readSmallFile(path: string, bytesMax: number): string | undefined {
  const fd = openSync(path, constants.O_RDONLY | withoutWaiting);
  try {
    if (!fstatSync(fd).isFile()) return undefined;
    const bytes = Buffer.alloc(bytesMax);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytesMax; length += read) {
      read = readSync(fd, bytes, length, bytesMax - length, length);
    }
    return bytes.toString("utf8", 0, length);
  } finally {
    closeSync(fd);
  }
}
