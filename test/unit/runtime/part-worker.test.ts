import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { divide } from "../../../src/dispatch/divided/divide.js";
import { loadReads } from "../../../src/dispatch/late.js";
import { LioranManager } from "../../../src/index.js";
import {
  dividedDocumentsMin,
  partBytesAheadFirst,
  partBytesAheadMax,
} from "../../../src/limits.js";
import { CancelFlag } from "../../../src/query/control.js";
import { type PartMessage, type PartTask, runPart } from "../../../src/runtime/part-worker.js";
import { meetingCells } from "../../../src/runtime/snapshot-meeting.js";
import { ThreadGate } from "../../../src/runtime/thread-gate.js";
import { acquireDatabases, type Databases } from "../../../src/storage/databases.js";
import type { Environment } from "../../../src/storage/environment.js";
import type { Document } from "../../../src/values/document.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const place = { db: "app", collection: "things" };
const documents = 2 * dividedDocumentsMin;
/** Together more than a thread may read ahead. */
const text = "x".repeat(Math.ceil((2 * partBytesAheadMax) / documents));

describe("a thread's part of a divided read", () => {
  const root = temporaryRoot();
  let databases: Databases;
  let environment: Environment;

  before(async () => {
    const { rootPath } = root;
    await using manager = new LioranManager({ rootPath });
    const things = (await manager.db("app")).collection("things");
    await things.insertMany(Array.from({ length: documents }, (_, _id) => ({ _id, text })));
    await loadReads();
    databases = acquireDatabases(rootPath, "read");
    environment = databases.get("app")!;
  });
  after(async () => {
    // Fails while a snapshot is open.
    await databases.release();
    root.remove();
  });

  /** One thread does all of it. */
  function begin(filter: Document): {
    reader: MessagePort;
    port: MessagePort;
    task: Promise<void>;
  } {
    environment.refresh();
    const division = divide(environment, { ...place, kind: "find", filter }, 2)!;
    environment.release();
    const { port1: reader, port2: port } = new MessageChannel();
    const task: PartTask = {
      division,
      threads: 1,
      place: 0,
      meeting: meetingCells(1),
      next: new Int32Array(new SharedArrayBuffer(4)),
      waiting: new Int32Array(new SharedArrayBuffer(4)),
      port,
      cell: new CancelFlag().cell,
      maxTimeMs: 0,
      askedAtMs: Date.now(),
    };
    return { reader, port, task: runPart(environment, task, new ThreadGate()) };
  }

  test("ends its task when it waits for its reader, and goes on when that has read", async () => {
    const { reader, task } = begin({});
    const messages: PartMessage[] = [];
    let unreadBytes = 0;
    reader.on("message", (message: PartMessage) => {
      messages.push(message);
      if (message.kind === "rows") unreadBytes += message.bytes.length;
    });
    const rows = () =>
      messages.reduce((sum, each) => sum + (each.kind === "rows" ? each.lengths.length : 0), 0);
    await task;
    // It may be here already.
    while (messages.length === 0) await once(reader, "message");
    assert.equal(messages.length, 1, "it has to wait for its reader");
    // The last row may go beyond.
    assert.ok(
      unreadBytes < partBytesAheadFirst + 2 * text.length,
      `${unreadBytes} bytes are ahead`,
    );
    for (;;) {
      const last = messages.at(-1)!;
      if (last.kind !== "rows" || last.isEnd) break;
      reader.postMessage({ readBytes: unreadBytes });
      unreadBytes = 0;
      await once(reader, "message");
    }
    assert.deepEqual([messages.at(-1)!.kind, rows()], ["rows", documents]);
    reader.close();
  });

  test("ends its task and its snapshot when its reader goes away between two slices", async () => {
    // Finds nothing, for longer than a slice.
    const slow = { $expr: { $gt: [{ $size: { $range: [0, 100] } }, 100] } };
    const { reader, port, task } = begin(slow);
    const closed = once(port, "close");
    reader.close();
    await Promise.all([task, closed]);
  });
});
