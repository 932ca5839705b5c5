/**
 * The Host's end of one connection: handshake, requests, replies, back-pressure.
 *
 * Owning thread: the Host.
 *
 *   awaiting-hello --hello--> open --goodbye, close--> closed
 *         |                     |
 *         +---- bad frame ------+----> closed (the peer is told why)
 *
 * Invariants
 *  1. Nothing but a hello is accepted before the handshake, and no body above `handshakeBytesMax`.
 *  2. Every request gets exactly one reply or failure, also a bad one, unless the connection closes.
 *  3. A peer that does not read its answers is not read from, its reads that have not begun wait, and it
 *     is disconnected after a while; what is kept for it stays bounded. Nobody else notices.
 */

import type { ClientSession } from "../dispatch/client-session.js";
import { CursorTable } from "../dispatch/cursors.js";
import type { Dispatcher } from "../dispatch/dispatcher.js";
import type { Caller } from "../dispatch/equipment.js";
import {
  type FindOperation,
  type Operation,
  operationClass,
  type WriteOperation,
} from "../dispatch/operation.js";
import type { WriteOutcome } from "../dispatch/outcome.js";
import { checkMember, checkOperation } from "../dispatch/validate.js";
import type { WriteExecutor } from "../dispatch/write-executor.js";
import { LioranError } from "../errors.js";
import { faultPoint } from "../fault.js";
import { invariant } from "../invariant.js";
import {
  batchBytesMax,
  connectionInFlightBytesMax,
  connectionInFlightMax,
  connectionSliceMs,
  frameHeaderBytes,
  handshakeTimeoutMs,
  peerStallTimeoutMs,
  sendBufferBytesMax,
} from "../limits.js";
import { type Frame, FrameKind } from "../protocol/frame.js";
import {
  decodeAcknowledge,
  decodeGoodbye,
  decodeHello,
  encodeBody,
  encodeFailure,
  encodeRefuse,
  type Hello,
  protocolVersion,
} from "../protocol/messages.js";
import { type OperationChecks, RequestReader } from "../protocol/request-reader.js";
import { sameToken } from "../protocol/token.js";
import { CancelFlag } from "../query/control.js";
import { SequenceMap } from "../sequence-map.js";
import type { Databases } from "../storage/databases.js";
import { storageFailure } from "../storage/lmdb-failure.js";
import type { FrameChannel } from "../transport/channel.js";
import { BatchTurns } from "./batch-turns.js";

/** What the connections of one Host share. */
export interface HostContext {
  readonly dispatcher: Dispatcher;
  readonly writes: WriteExecutor;
  readonly databases: Databases;
  readonly epoch: number;
  readonly rootId: string;
  readonly token: string;
  /** The session of a client: the same over all its connections. */
  session(clientId: string): ClientSession;
  /** The client has left in order: what is stored for it is of no more use. */
  endSession(clientId: string): void;
  /** Requests have been read, or answered, or need no answer any more. */
  inFlightChanged(by: number): void;
  closed(connection: HostConnection): void;
  /** No heavy read of this caller begins until `letGo`. */
  hold(caller: Caller): void;
  letGo(caller: Caller): void;
}

type State = "awaiting-hello" | "open" | "closed";

const steps: Record<State, readonly State[]> = {
  "awaiting-hello": ["open", "closed"],
  open: ["closed"],
  closed: [],
};

const operationChecks: OperationChecks<Operation> = { whole: checkOperation, member: checkMember };

export class HostConnection {
  readonly #context: HostContext;
  readonly #channel: FrameChannel;
  readonly #cursors = new CursorTable();
  readonly #requests = new RequestReader(operationChecks);
  /** Reads under way, by sequence, for `cancel` and for the death of the peer. */
  readonly #flags = new SequenceMap<CancelFlag>();
  readonly #isOwn: boolean;
  #handshakeTimer: NodeJS.Timeout | undefined;
  #state: State = "awaiting-hello";
  #clientId: string | undefined;
  #session: ClientSession | undefined;
  #caller: Caller | undefined;
  #inFlight = 0;
  #inFlightBytes = 0;
  /** What the next `findAndModify` is expected to answer with: as much as the last ones. */
  #modifiedBytes = batchBytesMax;
  readonly #batchTurns = new BatchTurns();
  /** When others have a turn; 0: nothing was read in this turn of the event loop. */
  #sliceEndMs = 0;
  #isSliceOver = false;
  /** The peer has not read its answers. */
  #isBehind = false;
  #paused = false;
  /** The Host closes: nothing is read any more. */
  #stopping = false;
  #stallTimer: NodeJS.Timeout | undefined;
  #answeredBytes = 0;
  /** The handshake is done, and the welcome on its way. */
  onOpen: () => void = () => {};

  /**
   * @param isOwn whether it is that of our own main thread, which may be busy for as long as it likes:
   *   no deadline holds for it, because losing it would end this Host
   */
  constructor(context: HostContext, channel: FrameChannel, isOwn: boolean) {
    this.#context = context;
    this.#channel = channel;
    this.#isOwn = isOwn;
    if (!isOwn) {
      // Behind the turn's I/O: after a busy time the hello may lie there already.
      const look = () => setImmediate(() => this.#onLateHello());
      this.#handshakeTimer = setTimeout(look, handshakeTimeoutMs);
    }
    channel.onFrame = (frame) => this.#onFrame(frame);
    channel.onDrain = () => this.#readOn();
    channel.onClose = () => this.#onClose();
    channel.start();
  }

  /** Whether the client has shown that it belongs here. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Takes no more requests; those that were read are still answered. */
  stopReading(): void {
    this.#stopping = true;
    if (this.#state !== "closed") this.#channel.pause();
  }

  /** Says goodbye and closes once everything is sent. */
  close(reason: string): void {
    if (this.#state === "closed") return;
    if (this.#state === "open") this.#channel.send(FrameKind.goodbye, 0, encodeBody({ reason }));
    this.#channel.end();
  }

  /** Closes without waiting for the peer to read. */
  destroy(): void {
    this.#channel.destroy();
  }

  #onFrame(frame: Frame): void {
    if (this.#state === "closed") return;
    if (this.#state === "awaiting-hello") {
      this.#onHello(frame);
      return;
    }
    switch (frame.kind) {
      case FrameKind.request:
        this.#onRequest(frame);
        return;
      case FrameKind.acknowledge:
        this.#session?.acknowledge(decodeAcknowledge(frame.body).acknowledged);
        return;
      case FrameKind.cancel:
        this.#flags.get(frame.sequence)?.cancel();
        return;
      case FrameKind.goodbye:
        decodeGoodbye(frame.body);
        this.#context.endSession(this.#clientId!);
        this.#channel.end();
        return;
      default:
        this.refuse(
          new LioranError("PROTOCOL", `A client does not send frames of kind ${frame.kind}.`),
        );
    }
  }

  #onHello(frame: Frame): void {
    let hello: Hello;
    try {
      if (frame.kind !== FrameKind.hello) {
        throw new LioranError("PROTOCOL", `The first frame is a hello, not kind ${frame.kind}.`);
      }
      hello = decodeHello(frame.body);
      this.#checkHello(hello);
    } catch (error) {
      this.refuse(error);
      return;
    }
    clearTimeout(this.#handshakeTimer);
    this.#step("open");
    this.#clientId = hello.clientId;
    this.#session = this.#context.session(hello.clientId);
    this.#session.connected();
    this.#caller = { cursors: this.#cursors, encoded: true };
    this.#channel.allowLargeFrames();
    const { epoch, rootId } = this.#context;
    const welcome = { protocol: protocolVersion, epoch, primaryPid: process.pid, rootId };
    this.#channel.send(FrameKind.welcome, 0, encodeBody(welcome));
    this.onOpen();
  }

  #checkHello(hello: Hello): void {
    // The token first: whoever cannot read the root learns nothing about it.
    if (!sameToken(hello.token, this.#context.token)) {
      throw new LioranError(
        "PERMISSION",
        "The token is not the one in the root's lock file: a client must be able to read the root.",
      );
    }
    if (hello.rootId !== this.#context.rootId) {
      throw new LioranError("PROTOCOL", "This endpoint belongs to another root.");
    }
  }

  #onRequest(frame: Frame): void {
    faultPoint("request");
    const { sequence } = frame;
    let operation: Operation;
    let resent: boolean;
    try {
      const request = this.#requests.read(frame.body);
      this.#session!.acknowledge(request.acknowledged);
      ({ resent, operation } = request);
    } catch (error) {
      this.#send(FrameKind.failure, sequence, encodeFailure(error));
      return;
    }
    const { length } = frame.body;
    const bytes = operation.kind === "findAndModify" ? length + this.#modifiedBytes : length;
    this.#inFlight += 1;
    this.#inFlightBytes += bytes;
    this.#context.inFlightChanged(1);
    if (operationClass[operation.kind] === "write") {
      this.#write(sequence, operation as WriteOperation, bytes, resent);
    } else this.#read(sequence, operation, bytes);
    this.#holdIfBehind();
  }

  #read(sequence: number, operation: Operation, bytes: number): void {
    if (this.#sliceEndMs === 0) this.#beginSlice();
    if (operation.kind === "find") this.#find(sequence, operation, bytes);
    else this.#execute(sequence, operation, bytes, false);
    if (performance.now() >= this.#sliceEndMs) this.#isSliceOver = true;
  }

  /** Most are cheap, and answered without a promise. */
  #find(sequence: number, operation: FindOperation, bytes: number): void {
    let outcome: WriteOutcome;
    try {
      const result = this.#context.dispatcher.openNow(operation, this.#caller!);
      if (!result) {
        this.#execute(sequence, operation, bytes, true);
        return;
      }
      outcome = { failed: false, body: encodeBody(result) };
    } catch (error) {
      outcome = { failed: true, body: encodeFailure(error) };
    }
    this.#answer(sequence, outcome, bytes);
  }

  /** @param isHeavy it has been tried here and now */
  #execute(sequence: number, operation: Operation, bytes: number, isHeavy: boolean): void {
    const flag = new CancelFlag();
    this.#flags.set(sequence, flag);
    const options = { flag, isHeavy };
    const execute = () => this.#context.dispatcher.execute(operation, this.#caller!, options);
    (operation.kind === "getMore" ? this.#batchTurns.run(execute) : execute())
      .then((result) => ({ failed: false, body: encodeBody(result) }))
      .catch((error: unknown) => ({ failed: true, body: encodeFailure(error) }))
      .then((outcome) => {
        this.#flags.delete(sequence);
        this.#answer(sequence, outcome, bytes);
      });
  }

  /** One turn of the event loop may bring hundreds of requests, each of which may take milliseconds. */
  #beginSlice(): void {
    this.#sliceEndMs = performance.now() + connectionSliceMs;
    setImmediate(() => {
      this.#sliceEndMs = 0;
      this.#isSliceOver = false;
      this.#readOn();
    });
  }

  #write(sequence: number, operation: WriteOperation, bytes: number, resent: boolean): void {
    const session = this.#session!;
    const earlier = session.begin(sequence, (outcome) => {
      if (!outcome) {
        this.#forget(bytes);
        return;
      }
      if (operation.kind === "findAndModify") {
        this.#modifiedBytes = Math.max(outcome.body.length, this.#modifiedBytes / 2);
      }
      this.#answer(sequence, outcome, bytes);
    });
    if (earlier) {
      // It is under way for an earlier connection of this client, which must not wait for it.
      earlier({ failed: true, body: encodeFailure(sentTwice(sequence)) });
      return;
    }
    const settle = (outcome: WriteOutcome) => session.settle(sequence, outcome);
    const fail = (error: unknown) => settle({ failed: true, body: encodeFailure(error) });
    try {
      const known = resent && this.#knownOutcome(session, operation.db, sequence);
      if (known) {
        settle(known);
        return;
      }
    } catch (error) {
      fail(storageFailure(this.#context.databases.folder(operation.db), "reading", error));
      return;
    }
    const leave = () => session.settle(sequence, undefined);
    this.#context.writes.execute({ operation, bytes, session, sequence, settle, fail, leave });
  }

  /** The outcome of a write that was applied before its client lost its connection. */
  #knownOutcome(session: ClientSession, db: string, sequence: number): WriteOutcome | undefined {
    const environment = this.#context.databases.get(db);
    environment?.refresh();
    return environment && session.outcomeOf(environment, sequence);
  }

  /** One request less waits for this connection. */
  #forget(bytes: number): void {
    if (this.#state === "closed") return;
    this.#inFlight -= 1;
    this.#inFlightBytes -= bytes;
    this.#context.inFlightChanged(-1);
    invariant(this.#inFlight >= 0, "more answers than requests");
  }

  #answer(sequence: number, { failed, body }: WriteOutcome, bytes: number): void {
    if (this.#state === "closed") return;
    this.#forget(bytes);
    this.#send(failed ? FrameKind.failure : FrameKind.reply, sequence, body);
    if (this.#paused) this.#readOn();
  }

  #send(kind: FrameKind, sequence: number, body: Uint8Array): void {
    this.#answeredBytes += frameHeaderBytes + body.length;
    this.#channel.send(kind, sequence, body);
    this.#holdIfBehind();
  }

  /** Stops reading from a peer that is behind with its answers, or far ahead with its requests. */
  #holdIfBehind(): void {
    if (this.#channel.bufferedBytes > sendBufferBytesMax) {
      if (!this.#stallTimer && !this.#isOwn) this.#watchForStall();
      if (!this.#isBehind) this.#holdReads();
    }
    if (this.#paused || !(this.#isBehind || this.#isAhead)) return;
    this.#paused = true;
    this.#channel.pause();
  }

  #readOn(): void {
    if (this.#state === "closed" || this.#channel.bufferedBytes > sendBufferBytesMax) return;
    if (this.#isBehind) this.#letReadsGo();
    if (!this.#paused || this.#stopping || this.#isAhead) return;
    this.#paused = false;
    this.#channel.resume();
  }

  /** Whether enough of its requests are under way, or have been read in this turn. */
  get #isAhead(): boolean {
    return (
      this.#isSliceOver ||
      this.#inFlight >= connectionInFlightMax ||
      this.#inFlightBytes >= connectionInFlightBytesMax
    );
  }

  /** Reads that were taken from the socket but have not begun would answer into memory. */
  #holdReads(): void {
    this.#isBehind = true;
    this.#batchTurns.hold();
    this.#context.hold(this.#caller!);
  }

  #letReadsGo(): void {
    this.#isBehind = false;
    clearTimeout(this.#stallTimer);
    this.#stallTimer = undefined;
    this.#batchTurns.letGo();
    this.#context.letGo(this.#caller!);
  }

  /** Disconnects the peer unless it has read something of what waits for it by the end of the time. */
  #watchForStall(): void {
    const takenBytes = this.#takenBytes;
    this.#stallTimer = setTimeout(() => {
      this.#stallTimer = undefined;
      if (this.#takenBytes > takenBytes) {
        this.#holdIfBehind();
        // It may have read enough to go on, yet not so much that the channel calls itself drained.
        this.#readOn();
        return;
      }
      const seconds = peerStallTimeoutMs / 1000;
      this.#channel.destroy(
        new LioranError("IO", `The client has not read its answers for ${seconds} s.`),
      );
    }, peerStallTimeoutMs);
  }

  /** How much of the answers the peer has taken so far. */
  get #takenBytes(): number {
    return this.#answeredBytes - this.#channel.bufferedBytes;
  }

  #onLateHello(): void {
    if (this.#state !== "awaiting-hello") return;
    const text = `No hello within ${handshakeTimeoutMs} ms of connecting.`;
    this.refuse(new LioranError("PROTOCOL", text));
  }

  /** Tells the peer why it is not served, and closes. */
  refuse(error: unknown): void {
    if (this.#state === "closed") return;
    this.#channel.send(FrameKind.refuse, 0, encodeRefuse(error));
    this.#channel.end();
    // A peer that does not read the refusal must not keep the connection.
    setTimeout(() => this.#channel.destroy(), handshakeTimeoutMs).unref();
  }

  #onClose(): void {
    clearTimeout(this.#handshakeTimer);
    clearTimeout(this.#stallTimer);
    this.#step("closed");
    this.#session?.disconnected();
    this.#context.inFlightChanged(-this.#inFlight);
    // Nobody waits for these reads any more.
    for (const sequence of this.#flags.numbers()) this.#flags.delete(sequence)?.cancel();
    this.#batchTurns.clear();
    // Those that wait for a thread find on it that they are cancelled.
    if (this.#isBehind) this.#context.letGo(this.#caller!);
    this.#cursors.close();
    this.#context.closed(this);
  }

  #step(next: State): void {
    invariant(steps[this.#state].includes(next), `no step from "${this.#state}" to "${next}"`);
    this.#state = next;
  }
}

function sentTwice(sequence: number): LioranError {
  return new LioranError("PROTOCOL", `Request ${sequence} was sent again before it was answered.`);
}
