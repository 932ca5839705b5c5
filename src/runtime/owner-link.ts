/**
 * The way to the lock owner: numbers requests, keeps them until they are answered, and sends them
 * again after a take-over. It is the same for the primary's own main thread (over a message port)
 * and for a client (over a socket); who the owner is and how it is reached is `membership.ts`.
 *
 * Owning thread: the manager's.
 *
 *   disconnected --attach--> handshaking --welcome--> connected
 *        ^                        |                       |
 *        +------- channel closes -+-----------------------+      any --close--> closed
 *
 * Invariants
 *  1. Every request settles exactly once: with its answer, or with an error that names whom it
 *     waited for.
 *  2. A request keeps its number for life. Numbers up to `acknowledged` are settled.
 *  3. After a reconnect requests are sent again in the order of their numbers, before newer ones.
 *  4. The channel keeps the process alive exactly while requests are pending.
 */
import type { Owner } from "../dispatch/equipment.js";
import { type Operation, operationClass } from "../dispatch/operation.js";
import { LioranError } from "../errors.js";
import { invariant } from "../invariant.js";
import { handshakeTimeoutMs, resendWindowMs } from "../limits.js";
import { type Frame, FrameKind } from "../protocol/frame.js";
import {
  decodeBody,
  decodeFailure,
  decodeRefuse,
  decodeWelcome,
  encodeBody,
  type Hello,
  type Request,
  type Welcome,
} from "../protocol/messages.js";
import type { CancelFlag } from "../query/control.js";
import { SequenceMap } from "../sequence-map.js";
import type { FrameChannel } from "../transport/channel.js";
import { thrownText } from "../values/shown.js";
import { ListeningClock } from "./listening-clock.js";

type State = "disconnected" | "handshaking" | "connected" | "closed";

const steps: Record<State, readonly State[]> = {
  disconnected: ["handshaking", "closed"],
  handshaking: ["connected", "disconnected", "closed"],
  connected: ["disconnected", "closed"],
  closed: [],
};

/** How far the lowest pending number is followed up each time a request is settled. */
const lowestStepsMax = 256;
/** How often a handshake is looked at. */
const handshakeCheckMs = 250;

interface Pending {
  readonly operation: Operation;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly flag: CancelFlag | undefined;
  /** When it was asked, by the clock of this link. */
  readonly askedAtMs: number;
  /** When it was first sent, by the clock of the machine (0: not yet). */
  sentAtMs: number;
}

export interface OwnerLinkOptions {
  clientId: string;
  /** How long a request waits for a primary, or for a sign of life of the one there is. */
  primaryTimeoutMs: number;
  /** The connection is gone, after having been open; the link waits for `attach`. */
  onLost(error: LioranError | undefined): void;
}

export class OwnerLink implements Owner {
  readonly #options: OwnerLinkOptions;
  readonly #pending = new SequenceMap<Pending>();
  /** Nothing below is pending. */
  #lowestSequence = 1;
  readonly #clock = new ListeningClock();
  #state: State = "disconnected";
  #channel: FrameChannel | undefined;
  #handshake: { resolve(welcome: Welcome): void; reject(error: unknown): void } | undefined;
  /** How long the next handshake may take. */
  #patienceMs = handshakeTimeoutMs;
  #nextSequence = 1;
  #owner = "no primary yet";
  /** Identity of the root that the owner has to have. */
  #rootId = "";
  /** Why the last attempt to reach a primary failed. */
  #lastFailure: LioranError | undefined;
  #failure: LioranError | undefined;
  #lastFrameMs = 0;
  #lostAtMs = this.#clock.nowMs;
  #pingSentMs = 0;
  #watch: NodeJS.Timeout | undefined;
  #idle: (() => void)[] = [];

  constructor(options: OwnerLinkOptions) {
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#state === "connected";
  }

  /** Requests that have not been answered. */
  get pending(): number {
    return this.#pending.size;
  }

  forward(operation: Operation, flag?: CancelFlag): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#state === "closed" || this.#failure) {
        reject(this.#failure ?? closedError());
        return;
      }
      const sequence = this.#nextSequence;
      this.#nextSequence += 1;
      const pending: Pending = {
        operation,
        resolve,
        reject,
        flag,
        askedAtMs: this.#clock.nowMs,
        sentAtMs: 0,
      };
      this.#pending.set(sequence, pending);
      if (flag) flag.onCancel = () => this.#cancel(sequence);
      if (this.#pending.size === 1) this.#setBusy(true);
      if (this.#state === "connected") this.#send(sequence, pending);
    });
  }

  /**
   * Takes a new channel to the owner and shakes hands. What is pending is sent again.
   *
   * @throws what the owner refused us with, or why the channel closed
   */
  attach(channel: FrameChannel, hello: Hello, owner: string): Promise<Welcome> {
    this.#step("handshaking");
    this.#owner = owner;
    this.#rootId = hello.rootId;
    this.#channel = channel;
    channel.onFrame = (frame) => this.#onFrame(channel, frame);
    channel.onDrain = () => {};
    channel.onClose = (error) => this.#onClose(channel, error);
    if (this.#pending.size === 0) channel.unref();
    channel.start();
    channel.send(FrameKind.hello, 0, encodeBody(hello));
    const timer = this.#watchHandshake(channel);
    if (this.#pending.size === 0) timer.unref();
    return new Promise<Welcome>((resolve, reject) => {
      this.#handshake = { resolve, reject };
    }).finally(() => clearInterval(timer));
  }

  /** Resolves once nothing is pending. */
  async drain(): Promise<void> {
    if (this.#pending.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Says goodbye and closes. Requests that are still pending are rejected. */
  close(): void {
    if (this.#state === "closed") return;
    const wasConnected = this.#state === "connected";
    this.#step("closed");
    this.#rejectAll(() => closedError());
    clearInterval(this.#watch);
    if (wasConnected) {
      this.#channel!.send(FrameKind.goodbye, 0, encodeBody({ reason: "the client closes" }));
    }
    this.#channel?.end();
  }

  /** Notes why there is no primary, for those who wait in vain. */
  failedToReach(error: LioranError): void {
    this.#lastFailure = error;
  }

  /** Why the last attempt to reach a primary failed. */
  get lastFailure(): LioranError | undefined {
    return this.#lastFailure;
  }

  /** There will be no primary any more: rejects what waits for one, and whatever comes later. */
  giveUp(error: LioranError): void {
    this.#failure = error;
    this.#rejectAll((pending) => (pending.sentAtMs > 0 ? this.#lostError(pending) : error));
  }

  #send(sequence: number, pending: Pending): void {
    const resent = pending.sentAtMs > 0;
    const request: Request = {
      acknowledged: this.#lowestSequence - 1,
      resent,
      operation: pending.operation,
    };
    let body: Uint8Array;
    try {
      body = encodeBody(request);
    } catch (error) {
      this.#settle(sequence)?.reject(unsendable(error));
      return;
    }
    if (!resent) pending.sentAtMs = performance.now();
    this.#channel!.send(FrameKind.request, sequence, body);
  }

  #onFrame(channel: FrameChannel, frame: Frame): void {
    if (channel !== this.#channel) return;
    this.#lastFrameMs = this.#clock.nowMs;
    this.#checkTurn(frame.kind);
    switch (frame.kind) {
      // A late answer to a request that was given up finds nobody.
      case FrameKind.reply:
        this.#answer(frame.sequence, () => decodeBody(frame.body));
        return;
      case FrameKind.failure:
        this.#answer(frame.sequence, () => {
          throw decodeFailure(frame.body);
        });
        return;
      case FrameKind.welcome:
        this.#onWelcome(this.#checkRoot(decodeWelcome(frame.body)));
        return;
      case FrameKind.refuse:
        channel.destroy(decodeRefuse(frame.body));
        return;
      case FrameKind.goodbye:
        channel.end();
        return;
      default:
        throw new LioranError("PROTOCOL", `A primary does not send frames of kind ${frame.kind}.`);
    }
  }

  /** @throws PROTOCOL for an answer before the handshake is done, or another handshake after it */
  #checkTurn(kind: FrameKind): void {
    const isConnected = this.#state === "connected";
    const isEarly = !isConnected && (kind === FrameKind.reply || kind === FrameKind.failure);
    if (!isEarly && !(isConnected && kind === FrameKind.welcome)) return;
    throw new LioranError(
      "PROTOCOL",
      `${this.#owner} sent a frame of kind ${kind} ${isEarly ? "before" : "after"} the handshake.`,
    );
  }

  /** Gives up a handshake that nobody answers. The hello may still wait for the end of a busy turn. */
  #watchHandshake(channel: FrameChannel): NodeJS.Timeout {
    const clock = new ListeningClock();
    const deadlineMs = clock.nowMs + this.#patienceMs;
    const check = () => {
      if (clock.nowMs >= deadlineMs) this.#onNoWelcome(channel);
    };
    return setInterval(() => {
      clock.tick(handshakeCheckMs);
      // Behind the turn's I/O: after a busy time the welcome may lie there already.
      setImmediate(check);
    }, handshakeCheckMs);
  }

  #onNoWelcome(channel: FrameChannel): void {
    if (channel !== this.#channel || this.#state !== "handshaking") return;
    const text = `${this.#owner} did not answer the handshake within ${this.#patienceMs} ms.`;
    // Whoever is too busy to answer would be so for as long again, with one connection more to look at. Yet another
    // program may sit there, and the next primary must still be met in time.
    const longest = Math.max(handshakeTimeoutMs, Math.floor(this.#options.primaryTimeoutMs / 3));
    this.#patienceMs = Math.min(2 * this.#patienceMs, longest);
    channel.destroy(new LioranError("NO_PRIMARY", text));
  }

  /** Settles a request. An answer that cannot be read fails that request only. */
  #answer(sequence: number, read: () => unknown): void {
    const pending = this.#settle(sequence);
    if (!pending) return;
    try {
      pending.resolve(read());
    } catch (error) {
      pending.reject(error);
    }
  }

  /** A path of a socket can lead to another root, or to another program that answers. */
  #checkRoot(welcome: Welcome): Welcome {
    if (welcome.rootId === this.#rootId) return welcome;
    throw new LioranError("PROTOCOL", `${this.#owner} belongs to another root.`);
  }

  #onWelcome(welcome: Welcome): void {
    this.#step("connected");
    this.#channel!.allowLargeFrames();
    this.#lastFailure = undefined;
    this.#lastFrameMs = this.#clock.nowMs;
    this.#pingSentMs = 0;
    this.#patienceMs = handshakeTimeoutMs;
    this.#handshake!.resolve(welcome);
    this.#handshake = undefined;
    this.#forEachPending((sequence, pending) => this.#sendAgain(sequence, pending));
  }

  /** After a take-over: sends what was not answered, unless sending it again would be wrong. */
  #sendAgain(sequence: number, pending: Pending): void {
    const wasSent = pending.sentAtMs > 0;
    const { kind } = pending.operation;
    if (wasSent && operationClass[kind] === "cursor") {
      // Its cursor went with the old connection.
      this.#settle(sequence)!.reject(
        new LioranError(
          "CURSOR_NOT_FOUND",
          "The primary that held the cursor is gone. Run the query again.",
        ),
      );
      return;
    }
    if (wasSent && performance.now() - pending.sentAtMs > resendWindowMs) {
      this.#settle(sequence)!.reject(this.#lostError(pending));
      return;
    }
    this.#send(sequence, pending);
  }

  #onClose(channel: FrameChannel, error: LioranError | undefined): void {
    if (channel !== this.#channel) return;
    this.#channel = undefined;
    if (this.#state === "closed") return;
    const wasConnected = this.#state === "connected";
    this.#step("disconnected");
    this.#lostAtMs = this.#clock.nowMs;
    const handshake = this.#handshake;
    this.#handshake = undefined;
    this.#lastFailure = error;
    handshake?.reject(
      error ?? new LioranError("NO_PRIMARY", `${this.#owner} closed during the handshake.`),
    );
    if (wasConnected) this.#options.onLost(error);
  }

  #cancel(sequence: number): void {
    if (!this.#pending.has(sequence)) return;
    if (this.#state === "connected") {
      this.#channel!.send(FrameKind.cancel, sequence, new Uint8Array(0));
    }
  }

  #settle(sequence: number): Pending | undefined {
    const pending = this.#pending.delete(sequence);
    if (!pending) return undefined;
    this.#raiseLowest();
    if (pending.flag) pending.flag.onCancel = undefined;
    if (this.#pending.size === 0) {
      this.#setBusy(false);
      for (const resolve of this.#idle.splice(0)) resolve();
    }
    return pending;
  }

  /** In steps that are bounded: millions of requests may have passed one that was slow. A lower one is right, too. */
  #raiseLowest(): void {
    if (this.#pending.size === 0) this.#lowestSequence = this.#nextSequence;
    for (let left = lowestStepsMax; left > 0; left -= 1) {
      if (this.#lowestSequence === this.#nextSequence) return;
      if (this.#pending.has(this.#lowestSequence)) return;
      this.#lowestSequence += 1;
    }
  }

  /** In the order of their numbers; not for those that are settled or come meanwhile. */
  #forEachPending(act: (sequence: number, pending: Pending) => void): void {
    for (const sequence of this.#pending.numbers()) {
      const pending = this.#pending.get(sequence);
      if (pending) act(sequence, pending);
    }
  }

  #rejectAll(errorFor: (pending: Pending) => LioranError): void {
    this.#forEachPending((sequence, pending) => {
      this.#settle(sequence);
      pending.reject(errorFor(pending));
    });
  }

  #setBusy(busy: boolean): void {
    if (busy) {
      this.#channel?.ref();
      this.#clock.start();
      if (this.#watch) this.#watch.ref();
      else this.#watch = this.#startWatch();
    } else {
      this.#channel?.unref();
      // It ends itself when nothing has come until it is due: calls one by one need no timer each.
      this.#watch?.unref();
    }
  }

  #startWatch(): NodeJS.Timeout {
    const everyMs = Math.max(10, Math.min(1_000, this.#options.primaryTimeoutMs / 8));
    return setInterval(() => {
      if (this.#pending.size === 0) {
        clearInterval(this.#watch);
        this.#watch = undefined;
        return;
      }
      this.#clock.tick(everyMs);
      // Behind the turn's I/O: after a busy time the answer may lie there already.
      setImmediate(() => this.#checkDeadlines());
    }, everyMs);
  }

  /** Gives up on requests that nobody answers. */
  #checkDeadlines(): void {
    if (this.#pending.size === 0) return;
    const now = this.#clock.nowMs;
    const { primaryTimeoutMs } = this.#options;
    // Silence counts from the last sign of life, or from when we lost or began to want one.
    const sinceMs = this.#state === "connected" ? this.#lastFrameMs : this.#lostAtMs;
    if (this.#state === "connected") this.#pingIfSilent(now);
    this.#forEachPending((sequence, pending) => {
      if (now - Math.max(sinceMs, pending.askedAtMs) < primaryTimeoutMs) return;
      this.#settle(sequence)!.reject(this.#timeoutError(pending));
    });
  }

  /** A primary that is at work answers a ping at once, however long the request itself takes. */
  #pingIfSilent(now: number): void {
    const quietMs = this.#options.primaryTimeoutMs / 3;
    if (now - Math.max(this.#lastFrameMs, this.#pingSentMs) < quietMs) return;
    this.#pingSentMs = now;
    // Number 0 belongs to no request: the answer counts only as a sign of life.
    const request: Request = { acknowledged: 0, resent: false, operation: { kind: "ping" } };
    this.#channel!.send(FrameKind.request, 0, encodeBody(request));
  }

  #timeoutError(pending: Pending): LioranError {
    const seconds = this.#options.primaryTimeoutMs / 1000;
    if (pending.sentAtMs > 0 && operationClass[pending.operation.kind] === "write") {
      return this.#lostError(pending);
    }
    const whom =
      this.#state === "connected"
        ? `${this.#owner} did not answer for ${seconds} s: it is paused or overloaded.`
        : `There was no primary for ${seconds} s (last: ${this.#owner}).${this.#whyNot} Start a process that may own the root.`;
    return new LioranError("NO_PRIMARY", whom, { cause: this.#lastFailure });
  }

  get #whyNot(): string {
    return this.#lastFailure ? ` Last failure: ${this.#lastFailure.message}` : "";
  }

  #lostError(pending: Pending): LioranError {
    if (operationClass[pending.operation.kind] !== "write") {
      return new LioranError("NO_PRIMARY", `${this.#owner} went away before it answered.`);
    }
    return new LioranError(
      "OUTCOME_UNKNOWN",
      `${this.#owner} did not acknowledge this ${pending.operation.kind} in time. It may or may not have been ` +
        "applied, or be applied later: read the data to find out.",
    );
  }

  #step(next: State): void {
    invariant(steps[this.#state].includes(next), `no step from link "${this.#state}" to "${next}"`);
    this.#state = next;
  }
}

/** Arguments were checked, but objects with traps or getters can look another way each time. */
function unsendable(error: unknown): unknown {
  if (error instanceof LioranError) return error;
  const text = `A value of the operation cannot be sent: ${thrownText(error)}.`;
  return new LioranError("BAD_VALUE", text, { cause: error });
}

function closedError(): LioranError {
  return new LioranError("CLOSED", "The manager is closed.");
}
