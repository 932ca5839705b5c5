/**
 * What was applied for each client, stored in the same commit as its effects: the half of "exactly
 * once" that survives the death of the primary. A write that is sent again after a takeover carries
 * its old number; when the number is found here, the stored reply is the answer and nothing is
 * applied a second time.
 *
 * One record per client and commit, keyed by client and first number, holding the replies to all of
 * that client's writes in that commit. The client tells which replies it has received, so records
 * are removed soon; what a vanished client leaves is removed after `sessionRetentionMs`.
 */
import { encode } from "../cbor/codec.js";
import { invariant } from "../invariant.js";
import { sessionRetentionMs } from "../limits.js";
import type { Environment } from "./environment.js";
import { decodeRecord } from "./stored-record.js";

/** A reply as it went (or would have gone) over the wire. */
export interface StoredReply {
  readonly sequence: number;
  /** Whether the body is an encoded error. */
  readonly failed: boolean;
  readonly body: Uint8Array;
}

/** A record's key and the highest number in it. */
export interface SessionRecord {
  readonly key: Uint8Array;
  readonly lastSequence: number;
}

type Stored = [savedAtMs: number, replies: [number, boolean, Uint8Array][]];

export const clientIdBytes = 16;

/** Stores the replies to one client's writes in this commit. Inside a write transaction. */
export function saveReplies(
  environment: Environment,
  clientId: Uint8Array,
  replies: readonly StoredReply[],
): SessionRecord {
  invariant(replies.length > 0, "a session record holds at least one reply");
  const rows = replies.map((reply): [number, boolean, Uint8Array] => [
    reply.sequence,
    reply.failed,
    reply.body,
  ]);
  const key = recordKey(clientId, replies[0].sequence);
  const record: Stored = [steadyNowMs(), rows];
  environment.stores.sessions.putSync(key, encode(record));
  return { key, lastSequence: Math.max(...replies.map((reply) => reply.sequence)) };
}

/** Removes records that their client needs no more. Inside a write transaction. */
export function removeRecords(environment: Environment, keys: readonly Uint8Array[]): void {
  for (const key of keys) environment.stores.sessions.removeSync(key);
}

/** Everything that is remembered for a client. */
export function loadReplies(
  environment: Environment,
  clientId: Uint8Array,
): { replies: StoredReply[]; records: SessionRecord[] } {
  const replies: StoredReply[] = [];
  const records: SessionRecord[] = [];
  const range = environment.stores.sessions.getRange({
    start: recordKey(clientId, 0),
    end: recordKey(clientId, Number.MAX_SAFE_INTEGER),
  });
  for (const { key, value } of range) {
    const [, rows] = decodeStored(value);
    let lastSequence = 0;
    for (const [sequence, failed, body] of rows) {
      replies.push({ sequence, failed, body });
      lastSequence = Math.max(lastSequence, sequence);
    }
    records.push({ key: Uint8Array.from(key), lastSequence });
  }
  return { replies, records };
}

const begunAtMs = Date.now() - performance.now();

/**
 * The time of day as it was when this thread began, and on from there without the jumps that the machine's clock may
 * make: what was applied a moment ago must not be forgotten because the machine has slept, or its clock was set.
 */
export function steadyNowMs(): number {
  return begunAtMs + performance.now();
}

/**
 * The records of clients that have not been heard of for `sessionRetentionMs`. Those that another process has stored
 * are as old as they say only if the clock was not set in between: see `host-thread.ts`.
 */
export function expiredRecords(environment: Environment, nowMs: number): Uint8Array[] {
  const expired: Uint8Array[] = [];
  for (const { key, value } of environment.stores.sessions.getRange({
    start: new Uint8Array(clientIdBytes),
    end: new Uint8Array(clientIdBytes + 1).fill(0xff),
  })) {
    const [savedAtMs] = decodeStored(value);
    // A clock that was set back must not keep records forever.
    const ageMs = nowMs - savedAtMs;
    if (ageMs > sessionRetentionMs || ageMs < -sessionRetentionMs)
      expired.push(Uint8Array.from(key));
  }
  return expired;
}

function decodeStored(bytes: Uint8Array): Stored {
  return decodeRecord(bytes, "what was answered to a client", (value) => {
    const [savedAtMs, rows] = Array.isArray(value) ? value : [];
    return typeof savedAtMs === "number" && Array.isArray(rows) && rows.every(isReply);
  });
}

function isReply(row: unknown): boolean {
  const [sequence, failed, body] = Array.isArray(row) ? row : [];
  return (
    Number.isSafeInteger(sequence) && typeof failed === "boolean" && body instanceof Uint8Array
  );
}

function recordKey(clientId: Uint8Array, sequence: number): Uint8Array {
  invariant(clientId.length === clientIdBytes, "a client id has 16 bytes");
  const key = Buffer.allocUnsafe(clientIdBytes + 8);
  key.set(clientId, 0);
  key.writeBigUInt64BE(BigInt(sequence), clientIdBytes);
  return key;
}
