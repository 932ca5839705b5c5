/**
 * What a benchmark puts on a primary beside a client that is measured: `load-child.js <root> <kind>`, until it is
 * killed. It says when it has begun.
 */

import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Collection, LioranManager } from "@liorandb/core";
import { encodeFrame, FrameKind } from "../../src/protocol/frame.js";
import { encodeBody, protocolVersion } from "../../src/protocol/messages.js";
import type { LoadKind } from "./load-kinds.js";

const IN_FLIGHT = 10_000;
const SILENT = 1_000;
const THINGS = 2_000;
const PAUSE_MS = 5_000;

const managers: LioranManager[] = [];
const [, , rootPath, kind] = process.argv as [string, string, string, LoadKind];
process.on("disconnect", () => process.exit());

const loads: Record<LoadKind, () => Promise<void>> = {
  /** Ten thousand operations of one client under way at any time, half of them reads at the primary. */
  "in-flight": async () => {
    const things = await open();
    let next = 0;
    const lane = async () => {
      for (;;) {
        next += 1;
        if (next % 2 === 0) await things.findOne({ _id: next % THINGS });
        else await things.updateOne({ _id: next % THINGS }, { $inc: { n: 1 } });
      }
    };
    for (let n = 0; n < IN_FLIGHT; n++) lane();
  },
  /** A peer that asks for large answers and reads none. It comes again when it is sent away. */
  unread: async () => {
    await open();
    const begin = async (): Promise<void> => {
      const socket = await shakenHands();
      socket.pause();
      socket.once("close", begin);
      const operation = { kind: "find", db: "bench", collection: "load", filter: {} };
      for (let n = 1; n <= IN_FLIGHT; n++) {
        const body = encodeBody({ acknowledged: 0, resent: false, operation });
        socket.write(encodeFrame(FrameKind.request, n, body));
      }
    };
    await begin();
  },
  /** A thousand connections that say nothing; each is replaced when its time is over. */
  silent: async () => {
    const begin = () => {
      const socket = connect(lockRecord().endpoint);
      socket.on("error", () => {}).once("close", () => setTimeout(begin, 10));
      socket.resume();
    };
    for (let n = 0; n < SILENT; n++) begin();
  },
  /** A client that reads a cursor document by document, with a pause after each. */
  "slow-cursor": async () => {
    const things = await open();
    const read = async () => {
      for (;;) {
        for await (const _ of things.find({}).batchSize(10)) await delay(1);
      }
    };
    read();
  },
  /**
   * A process that does what a short-lived one does, every few seconds: opens, reads, writes, closes. More often, a
   * hundred of them would measure how the system shares two cores.
   */
  processes: async () => {
    const life = async () => {
      for (;;) {
        const things = await open();
        await things.updateOne({ _id: 1 }, { $inc: { n: 1 } });
        await things.findOne({ _id: 1 });
        await managers.pop()!.close();
        await delay(Math.random() * PAUSE_MS);
      }
    };
    life();
  },
};

async function open(): Promise<Collection<{ _id: number; n: number; text: string }>> {
  const manager = new LioranManager({ rootPath, ipc: "client", reads: "primary" });
  managers.push(manager);
  return (await manager.db("bench")).collection("load");
}

function lockRecord(): { endpoint: string; token: string; rootId: string } {
  return JSON.parse(readFileSync(join(rootPath, ".lioran.lock"), "utf8"));
}

async function shakenHands(): Promise<Socket> {
  const { endpoint, token, rootId } = lockRecord();
  const socket = connect(endpoint).on("error", () => {});
  const clientId = crypto.randomUUID();
  const hello = { protocol: protocolVersion, token, rootId, clientId, pid: process.pid };
  socket.write(encodeFrame(FrameKind.hello, 0, encodeBody(hello)));
  await new Promise((resolve) => socket.once("data", resolve));
  return socket;
}

if ((kind as string) === "fill") {
  const things = await open();
  await things.insertMany(
    Array.from({ length: THINGS }, (_, _id) => ({ _id, n: 0, text: "x".repeat(1_000) })),
  );
} else await loads[kind]();
process.send!({ begun: true });
