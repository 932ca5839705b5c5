/**
 * What the Host knows of one client, over all its connections: which of its writes are under way and
 * which records of earlier ones are stored. With it a write that is sent again is recognised.
 *
 * Owning thread: the Host.
 *
 * Invariants
 *  1. A sequence number is applied at most once: it is under way here, stored in the database, or new.
 *  2. A record is removed only after the client said that it has the replies in it.
 */
import { SequenceMap } from "../sequence-map.js";
import type { Environment } from "../storage/environment.js";
import {
  loadReplies,
  removeRecords,
  type SessionRecord,
  saveReplies,
} from "../storage/sessions.js";
import type { WriteOutcome } from "./outcome.js";

/** Takes the answer to a write; undefined when it is left to the next Host. */
type Deliver = (outcome: WriteOutcome | undefined) => void;

export class ClientSession {
  readonly clientId: Uint8Array;
  /** One, or for a moment two when a client is back before its old connection is known dead. */
  #connections = 0;
  /** Every reply up to this number has reached the client. */
  #acknowledged = 0;
  /** Writes that have not been answered, and whom to answer: the connection may change meanwhile. */
  readonly #underWay = new SequenceMap<Deliver>();
  readonly #records = new Map<Environment, SessionRecord[]>();
  /** Stored replies by database, loaded when the client first sends something again. */
  readonly #stored = new Map<Environment, Map<number, WriteOutcome>>();

  constructor(clientId: string) {
    this.clientId = Buffer.from(clientId.replaceAll("-", ""), "hex");
  }

  /** How many writes have not been answered. */
  get underWay(): number {
    return this.#underWay.size;
  }

  acknowledge(sequence: number): void {
    if (sequence > this.#acknowledged) this.#acknowledged = sequence;
  }

  get isConnected(): boolean {
    return this.#connections > 0;
  }

  /** A new connection may send again what the last one lost: look at what is stored by then. */
  connected(): void {
    this.#connections += 1;
    this.#stored.clear();
  }

  disconnected(): void {
    this.#connections -= 1;
  }

  /**
   * Registers a write.
   *
   * @returns when it is under way already, whom it was to be answered to: `deliver` gets its outcome
   */
  begin(sequence: number, deliver: Deliver): Deliver | undefined {
    const earlier = this.#underWay.get(sequence);
    this.#underWay.set(sequence, deliver);
    return earlier;
  }

  /** Answers a write, or leaves one that was begun to the next Host. */
  settle(sequence: number, outcome: WriteOutcome | undefined): void {
    this.#underWay.delete(sequence)?.(outcome);
  }

  /** The outcome of a write that was applied before, if it was. */
  outcomeOf(environment: Environment, sequence: number): WriteOutcome | undefined {
    let stored = this.#stored.get(environment);
    if (!stored) {
      stored = this.#load(environment);
      this.#stored.set(environment, stored);
    }
    return stored.get(sequence);
  }

  /**
   * Stores outcomes in the open write transaction and removes what the client needs no more.
   *
   * @returns to be called once the transaction has committed
   */
  remember(
    environment: Environment,
    replies: readonly { sequence: number; outcome: WriteOutcome }[],
  ): () => void {
    if (!this.#records.has(environment)) this.#load(environment);
    const records = this.#records.get(environment)!;
    // From the oldest on: while a slow request keeps the others from being acknowledged, they add up.
    let old = 0;
    while (old < records.length && records[old]!.lastSequence <= this.#acknowledged) old += 1;
    const obsolete = records.slice(0, old);
    removeRecords(
      environment,
      obsolete.map((record) => record.key),
    );
    const saved = saveReplies(
      environment,
      this.clientId,
      replies.map(({ sequence, outcome }) => ({ sequence, ...outcome })),
    );
    return () => {
      if (old > 0) records.splice(0, old);
      records.push(saved);
    };
  }

  /** The keys of everything that is stored for this client, for a client that leaves in order. */
  storedKeys(environment: Environment): Uint8Array[] {
    return (this.#records.get(environment) ?? []).map((record) => record.key);
  }

  #load(environment: Environment): Map<number, WriteOutcome> {
    const { replies, records } = loadReplies(environment, this.clientId);
    this.#records.set(environment, records);
    return new Map(replies.map(({ sequence, failed, body }) => [sequence, { failed, body }]));
  }
}
