/**
 * Entry point of the Host: the thread of the primary that owns the socket, the group-commit writer
 * and the dispatcher that serves every process, so that a primary whose main thread is busy still
 * serves the others at full speed. Commands and life of the thread: `host.ts`.
 */
import { parentPort, workerData } from "node:worker_threads";
import { encode } from "../cbor/codec.js";
import { loadRareCodec } from "../cbor/rare-codec.js";
import type { ClientSession } from "../dispatch/client-session.js";
import { CommitGate } from "../dispatch/commit-gate.js";
import { CommitMeter } from "../dispatch/commit-meter.js";
import { Dispatcher } from "../dispatch/dispatcher.js";
import { IndexBuilds } from "../dispatch/index-builds.js";
import { loadReads } from "../dispatch/late.js";
import { TtlSweeper } from "../dispatch/ttl-sweeper.js";
import { WriteExecutor } from "../dispatch/write-executor.js";
import { Writer } from "../dispatch/writer.js";
import { encodeError } from "../errors.js";
import { faultPoint } from "../fault.js";
import { invariant } from "../invariant.js";
import { readerCheckIntervalMs, resendWindowMs } from "../limits.js";
import { sameToken } from "../protocol/token.js";
import { CommitClock } from "../storage/commit-clock.js";
import { acquireDatabases, type Databases } from "../storage/databases.js";
import { loadLmdb } from "../storage/lmdb.js";
import { expiredRecords, steadyNowMs } from "../storage/sessions.js";
import { newId } from "../values/new-id.js";
import type { HostCommand, HostEvent, HostStart, HostThreadData } from "./host.js";
import { HostServer } from "./host-server.js";
import { ThreadQueryPool } from "./query-pool.js";
import { ThreadGate } from "./thread-gate.js";

invariant(parentPort, "the Host is a worker thread");
const toMain = parentPort;
/** More databases than this are opened with their first operation. */
const openAheadMax = 8;
const shared = workerData as HostThreadData;
const gate = new CommitGate(shared.gate);
const clock = new CommitClock(shared.clock);

await loadReads();
toMain.on("message", (command: HostCommand) => {
  if (command.type === "start") start(command).catch(fail);
  else stop(command.timeoutMs).catch(fail);
});
// Loading LMDB, and the first digest of a process, would be the larger part of a take-over. Behind the
// gate: a process that exits while a thread is loading modules can abort.
if (gate.enter()) {
  loadLmdb();
  loadRareCodec();
  newId();
  gate.leave();
}
sameToken("", "");
tell({ type: "loaded" });

let stop: (timeoutMs: number) => Promise<void> = async () => {
  toMain.close();
};

async function start(options: HostStart): Promise<void> {
  const databases = acquireDatabases(options.rootPath, "write");
  databases.clock = clock;
  const writer = new Writer(databases, encode, gate, clock);
  const meter = new CommitMeter();
  writer.onCommit = (commit) => {
    meter.note(commit.operations, commit.durationMs, performance.now());
    if (Atomics.load(shared.watched, 0) === 1) tell({ type: "commit", commit });
  };
  const pool =
    options.cores > 0
      ? new ThreadQueryPool({
          rootPath: options.rootPath,
          access: "read",
          cores: options.cores,
          gate: new ThreadGate(shared.poolGate),
        })
      : undefined;
  const dispatcher = new Dispatcher({
    databases,
    reads: "local",
    pool,
    hostStatus: () => ({
      epoch: options.epoch,
      pid: process.pid,
      clients: server.clients,
      queuedOperations: writer.queued,
      ...meter.figures(performance.now()),
      pool: pool?.figures ?? null,
      indexBuilds: builds.status(),
    }),
  });
  const builds = new IndexBuilds(databases, writer);
  const sweeper = new TtlSweeper(databases, writer);
  const writes = new WriteExecutor(databases, writer, builds, pool);
  const forget = (session: ClientSession) => {
    for (const environment of databases.opened()) {
      writer.removeSoon(environment, session.storedKeys(environment));
    }
  };
  const server = new HostServer(options, dispatcher, writes, databases, forget, pool);
  const startedAtMs = performance.now();
  const upkeep = setInterval(() => {
    server.sweepSessions();
    // Until then what an earlier primary has applied may be sent again, whatever the clocks say of its age.
    const mayForget = performance.now() - startedAtMs > resendWindowMs;
    for (const environment of databases.opened()) {
      try {
        environment.freeDeadReaders();
        environment.refresh();
        if (mayForget) writer.removeSoon(environment, expiredRecords(environment, steadyNowMs()));
      } catch {
        // No reader's place is left, or the database is damaged, which whoever uses it is told.
      }
    }
  }, readerCheckIntervalMs);

  stop = async (timeoutMs) => {
    clearInterval(upkeep);
    sweeper.stop();
    server.stopReading();
    await builds.stop();
    await server.answered(timeoutMs);
    await writer.drain();
    faultPoint("closing-drained");
    await server.close("the primary closes", timeoutMs);
    faultPoint("closing-after-goodbye");
    await pool?.close();
    await databases.release();
    tell({ type: "closed" });
    toMain.close();
  };

  databases.onOpen = (db) => builds.resume(db);
  const endpoint = await server.listen(options.endpoints);
  server.acceptPort(options.port, () => openAhead(databases));
  tell({ type: "ready", endpoint });
}

/**
 * Opens the databases one by one, when our own main thread has been welcomed: it sends its pending writes meanwhile,
 * and the clients shake hands.
 */
function openAhead(databases: Databases): void {
  let names: string[];
  try {
    names = databases.names().slice(0, openAheadMax);
  } catch {
    // The folder cannot be read now: each database is opened with its first operation.
    return;
  }
  const next = () => {
    const name = names.shift();
    if (name === undefined || databases.users === 0) return;
    try {
      databases.get(name);
    } catch {
      // The first operation on it reports what is wrong with it.
    }
    setImmediate(next);
  };
  setImmediate(next);
}

function tell(event: HostEvent): void {
  toMain.postMessage(event);
}

/** Ends the thread. It runs between turns, so nothing of it is inside LMDB. */
function fail(error: unknown): void {
  tell({ type: "failed", error: encodeError(error) });
  process.exit(1);
}
