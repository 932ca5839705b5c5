/** LMDB's table of readers: who has a snapshot, in whichever process. */

/** A snapshot that a thread has open. */
export interface Reader {
  readonly pid: number;
  /** The number of the commit that it shows. */
  readonly commit: number;
}

/** @param list as `mdb_reader_list` prints it: process, thread and commit; `-` for a thread that reads nothing */
export function readersOf(list: string): Reader[] {
  return Array.from(list.matchAll(/^\s*(\d+)\s+\S+\s+(\d+)\s*$/gm), ([, pid, commit]) => ({
    pid: Number(pid),
    commit: Number(commit),
  }));
}
