/**
 * What processes did to the files below a folder, in order: noted by `trace-writes.c`, which is compiled here and
 * loaded into them, and by marks that they set themselves.
 */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { compiledTests } from "../../process/site.js";

export type Call =
  | "open"
  | "write"
  /** A write through a file that was opened with O_DSYNC: its end is a flush of what it wrote. */
  | "writeSynced"
  | "truncate"
  /** fsync or fdatasync, of a file or a folder. */
  | "flush"
  | "rename"
  | "unlink"
  | "mkdir"
  | "rmdir"
  /** What is stored through this map is not noted. */
  | "mapWritable"
  | "allocate";

/** A call that begins: it may take effect from here on. */
export interface Begin {
  kind: "begin";
  call: Call;
  /** Of process and call: its end has the same. */
  id: string;
  path: string;
  /** Of a rename. */
  to: string;
  /** Offset, new size, or flags of an open. */
  at: number;
  data: Buffer;
}

/** It has taken effect, or failed: negative. */
export interface End {
  kind: "end";
  call: Call;
  id: string;
  result: number;
}

/** What a process said itself. */
export interface Mark {
  kind: "mark";
  text: string;
}

export type Event = Begin | End | Mark;

const calls: readonly (Call | undefined)[] = [
  undefined,
  ...(["open", "write", "writeSynced", "truncate", "flush", "rename", "unlink", "mkdir"] as const),
  ...(["rmdir", "mapWritable", "allocate"] as const),
];
const headerBytes = 40;
const kinds = { begin: 0x42, end: 0x45, mark: 0x4d };

/** Why nothing can be traced here; undefined when it can. */
export function whyUntraceable(): string | undefined {
  if (process.platform !== "linux") return "LD_PRELOAD is of Linux";
  if (!["x64", "arm64"].includes(process.arch)) return `trace-writes.c is not for ${process.arch}`;
  if (spawnSync("cc", ["--version"]).status !== 0) return "there is no C compiler (cc)";
  return undefined;
}

/** Compiles the library. @returns the environment of a process whose changes below `base` go to `log` */
export function traceInto(log: string, base: string): Record<string, string> {
  const library = `${log}.so`;
  const source = join(dirname(dirname(compiledTests)), "test/crash/power-loss/trace-writes.c");
  const { status, stderr } = spawnSync("cc", ["-shared", "-fPIC", "-O2", "-o", library, source]);
  if (status !== 0) throw new Error(`trace-writes.c does not compile: ${stderr}`);
  return { LD_PRELOAD: library, LIORAN_TRACE_LOG: log, LIORAN_TRACE_BASE: base };
}

/** Sets marks in the log of this process. */
export class Marker {
  readonly #log = openSync(process.env.LIORAN_TRACE_LOG!, "a");

  set(text: string): void {
    const record = Buffer.alloc(headerBytes + Buffer.byteLength(text));
    record.writeUInt32LE(record.length, 0);
    record[4] = kinds.mark;
    record.writeUInt32LE(record.length - headerBytes, 36);
    record.write(text, headerBytes);
    // One write, to a file that is appended to: the record has its place in the order, and is whole.
    writeSync(this.#log, record);
  }

  close(): void {
    closeSync(this.#log);
  }
}

/** Reads a log. */
export function readTrace(log: string): Event[] {
  const bytes = readFileSync(log);
  const events: Event[] = [];
  for (let at = 0; at < bytes.length; ) {
    const record = bytes.subarray(at, at + bytes.readUInt32LE(at));
    events.push(readRecord(record));
    at += record.length;
  }
  return events;
}

function readRecord(record: Buffer): Event {
  const body = record.subarray(headerBytes);
  if (record[4] === kinds.mark) return { kind: "mark", text: body.toString() };
  const call = calls[record[5]!]!;
  const id = `${record.readUInt32LE(8)}/${record.readUInt32LE(12)}`;
  const [at, result] = [16, 24].map((offset) => Number(record.readBigInt64LE(offset)));
  if (record[4] === kinds.end) return { kind: "end", call, id, result: result! };
  const pathEnd = record.readUInt16LE(32);
  const toEnd = pathEnd + record.readUInt16LE(34);
  const path = body.subarray(0, pathEnd).toString();
  const to = body.subarray(pathEnd, toEnd).toString();
  return { kind: "begin", call, id, path, to, at: at!, data: body.subarray(toEnd) };
}
