/**
 * How a manager takes part in its root: takes the lock or finds who has it, starts the Host or
 * connects to it, and does so again when the primary goes away.
 *
 * Owning thread: the manager's.
 *
 * Invariants
 *  1. The Host runs only while this process holds the lock, and the lock is released only after the
 *     Host's thread has ended.
 *  2. At most one search for a primary is under way.
 *  3. Role changes are serialised (`#changing`), so close() never runs into the middle of one.
 */
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Mutex } from "async-mutex";
import { LioranError } from "../errors.js";
import { faultPoint } from "../fault.js";
import type { ResolvedOptions } from "../options.js";
import { type Hello, protocolVersion } from "../protocol/messages.js";
import type { Databases } from "../storage/databases.js";
import { PortChannel } from "../transport/port-channel.js";
import { SocketChannel } from "../transport/socket-channel.js";
import { newClientId } from "./client-id.js";
import { endpointCandidates } from "./endpoint.js";
import { Host } from "./host.js";
import { type LockRecord, RootLock } from "./lock.js";
import { OwnerLink } from "./owner-link.js";
import { RoleMachine } from "./role.js";

/** A search for a primary tries again after a random time up to this, which then grows ... */
const retryFirstMs = 3;
/** ... by this factor ... */
const retryGrowth = 1.3;
/** ... up to this. */
const retryMaxMs = 100;
/** After a failure that may pass, such as a full disk, the next attempt comes after a random time up to this. */
const failureRetryMs = 500;
/** A Host that fails more often than this in a row is given up. */
const hostFailuresMax = 3;
/** A Host that has run this long has not failed "in a row". */
const hostStableMs = 10_000;
/** An auto client makes its standby Host this long after it has connected. */
const standbyDelayMs = 500;

export interface MembershipEvents {
  /** The primary is gone; operations wait. */
  lost(): void;
  /** There is a primary again: this process or another one. */
  found(record: { epoch: number; pid: number }): void;
  /** Taking part has failed for good. */
  failed(error: LioranError): void;
}

export class Membership {
  readonly roles: RoleMachine;
  readonly link: OwnerLink;
  readonly #options: ResolvedOptions;
  readonly #databases: Databases;
  readonly #events: MembershipEvents;
  readonly #lock: RootLock;
  readonly #changing = new Mutex();
  readonly #clientId = newClientId();
  readonly #stopSearching = new AbortController();
  #host: Host | undefined;
  #standby: Host | undefined;
  #standbyTimer: NodeJS.Timeout | undefined;
  #hostFailures = 0;
  #hostFailure: LioranError | undefined;
  #hostStartedMs = 0;
  #searching = false;
  #epoch = 0;
  #primaryPid = 0;

  /**
   * Takes the lock at once when the mode allows it, so that the role is known when this returns.
   *
   * @throws LOCK_HELD for `ipc: "primary"` when another manager has the root; PERMISSION, IO
   */
  constructor(options: ResolvedOptions, databases: Databases, events: MembershipEvents) {
    this.#options = options;
    this.#databases = databases;
    this.#events = events;
    this.#lock = new RootLock(options.rootPath);
    if (this.#mayOwn) this.#lock.tryAcquire();
    if (options.ipc === "primary" && !this.#lock.held) throw lockHeld(options, this.#lock.read());
    this.roles = new RoleMachine("electing");
    this.link = new OwnerLink({
      clientId: this.#clientId,
      primaryTimeoutMs: options.primaryTimeoutMs,
      onLost: () => this.#onLost(),
    });
    if (this.#lock.held) this.roles.to("primary");
  }

  /** The take-over this process belongs to; 0 before the first. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Process id of the primary; 0 while there is none. */
  get primaryPid(): number {
    return this.#primaryPid;
  }

  /** Begins to take part. */
  start(): void {
    this.#search();
  }

  /**
   * Leaves the root in order: waits for what is pending, hands over when this is the primary.
   * Idempotent per caller: the manager calls it once.
   */
  async close(): Promise<void> {
    await this.link.drain();
    this.#stopSearching.abort();
    clearTimeout(this.#standbyTimer);
    await this.#changing.runExclusive(async () => {
      this.roles.to("closing");
      this.link.close();
      const timeoutMs = this.#options.primaryTimeoutMs;
      await Promise.all([this.#stopHost(), this.#standby?.stop(timeoutMs)]);
      faultPoint("closing-before-release");
      this.#lock.release();
      this.roles.to("closed");
    });
  }

  get #mayOwn(): boolean {
    return this.#options.ipc === "auto" || this.#options.ipc === "primary";
  }

  #onLost(): void {
    this.#primaryPid = 0;
    if (this.roles.role === "client") this.roles.to("electing");
    this.#events.lost();
    this.#search();
  }

  /** Looks for a primary, or becomes one, until it has one or the manager closes. */
  #search(): void {
    if (this.#searching) return;
    this.#searching = true;
    this.#searchUntilFound()
      .catch((error: unknown) => this.#giveUp(error))
      .finally(() => {
        this.#searching = false;
        // The connection may have been lost again before this search had ended.
        if (!this.link.isConnected && !this.#isOver) this.#search();
      });
  }

  get #isOver(): boolean {
    return this.#stopSearching.signal.aborted;
  }

  async #searchUntilFound(): Promise<void> {
    let upToMs = retryFirstMs;
    while (!this.#isOver) {
      const outcome = await this.#changing.runExclusive(() => this.#tryAttempt());
      if (outcome === true || this.#isOver) return;
      const failed = outcome instanceof LioranError;
      await this.#pause(Math.random() * (failed ? failureRetryMs : upToMs));
      upToMs = Math.min(retryMaxMs, upToMs * retryGrowth);
    }
  }

  /** An attempt. @returns whether it succeeded, or why not if that may pass */
  async #tryAttempt(): Promise<boolean | LioranError> {
    try {
      return await this.#attempt();
    } catch (error) {
      if (!this.#mayPass(error)) throw error;
      this.link.failedToReach(error);
      await this.#letOthersTry();
      return error;
    }
  }

  /**
   * A disk that is full, or descriptors that have run out: they may come back. So may permissions that were there
   * once; who never had them is told at once.
   */
  #mayPass(error: unknown): error is LioranError {
    if (!(error instanceof LioranError)) return false;
    return error.code === "IO" || (error.code === "PERMISSION" && this.#epoch > 0);
  }

  /** What keeps this process from owning the root may be no obstacle for another one. */
  async #letOthersTry(): Promise<void> {
    await this.#stopHost();
    // It does not count as a failure of the Host.
    this.#hostStartedMs = 0;
    if (this.#options.ipc === "primary" || !this.#lock.held) return;
    this.#lock.release();
    if (this.roles.role === "primary") this.roles.to("electing");
  }

  /** One attempt: own the root, or connect to who owns it. @returns whether it succeeded */
  async #attempt(): Promise<boolean> {
    if (this.#isOver) return false;
    if (this.link.isConnected) return true;
    // A connection can be lost between its welcome and the step to "client".
    if (this.roles.role === "client") this.roles.to("electing");
    if (this.#mayOwn && this.#lock.tryAcquire()) return await this.#tryPrimary();
    const record = this.#lock.read();
    if (!record || record.endpoint === "") return false;
    return await this.#connect(record);
  }

  /** Starts the Host. @returns false when it failed and may be tried again */
  async #tryPrimary(): Promise<boolean> {
    try {
      await this.#becomePrimary();
      return true;
    } catch (error) {
      if (this.#mayPass(error)) throw error;
      await this.#stopHost();
      if (!(error instanceof LioranError) || error.code === "PERMISSION") throw error;
      // The next attempt counts this one.
      if (this.#hostFailures >= hostFailuresMax) throw error;
      return false;
    }
  }

  async #becomePrimary(): Promise<void> {
    // Only the connection to it may be lost, while it still serves others: there must not be two.
    await this.#stopHost();
    const { rootPath, cores } = this.#options;
    // Loaded here, because a client needs none of it.
    const { randomBytes, randomUUID } = process.getBuiltinModule("node:crypto");
    const previous = this.#lock.previous();
    const record: LockRecord = {
      pid: process.pid,
      epoch: previous.epoch + 1,
      endpoint: "",
      token: randomBytes(32).toString("hex"),
      protocol: protocolVersion,
      rootId: previous.rootId ?? randomUUID(),
      startedAt: new Date().toISOString(),
    };
    // Before the Host writes anything: the next take-over must have a higher epoch than this one.
    this.#lock.write(record);
    faultPoint("takeover-locked");
    if (this.#hostStartedMs > 0 && this.#isOneFailureTooMany())
      throw this.#hostFailure ?? hostFails();
    const host = this.#standby ?? new Host();
    this.#standby = undefined;
    this.#host = host;
    this.#hostStartedMs = performance.now();
    host.onFailure = (error) => {
      this.#hostFailure = error;
    };
    const { endpoint, port } = await host.start({
      rootPath,
      rootId: record.rootId,
      epoch: record.epoch,
      token: record.token,
      endpoints: endpointCandidates(rootPath, record.rootId, record.epoch),
      cores,
    });
    faultPoint("takeover-listening");
    this.#lock.write({ ...record, endpoint });
    faultPoint("takeover-published");
    const whom = `The Host thread of this process (pid ${process.pid})`;
    await this.link.attach(new PortChannel(port), this.#hello(record), whom);
    this.#databases.clock = host.clock;
    if (this.roles.role === "electing") this.roles.to("primary");
    this.#found(record);
  }

  async #connect(record: LockRecord): Promise<boolean> {
    const channel = await this.#openSocket(record.endpoint);
    if (!channel) return false;
    const whom = `The primary (pid ${record.pid})`;
    try {
      await this.link.attach(channel, this.#hello(record), whom);
    } catch (error) {
      // Another version stays another version, when the primary itself has said so in its record: another program in
      // its place says anything. A primary that has just died will be replaced.
      if (isOtherVersion(error) && record.protocol !== protocolVersion) throw error;
      return false;
    }
    if (!this.link.isConnected) return false;
    this.roles.to("client");
    this.#found(record);
    this.#prepareStandby();
    return true;
  }

  #found(record: LockRecord): void {
    this.#epoch = record.epoch;
    this.#primaryPid = record.pid;
    this.#events.found({ epoch: record.epoch, pid: record.pid });
  }

  /** Resolves to undefined when nobody listens there. */
  #openSocket(endpoint: string): Promise<SocketChannel | undefined> {
    return new Promise((resolve) => {
      // Not as a bare argument: a path of digits would be taken for a port.
      const socket = connect({ path: endpoint });
      if (this.link.pending === 0) socket.unref();
      socket.once("error", (cause) => {
        const text = `Cannot connect to ${endpoint}: ${cause.message}.`;
        this.link.failedToReach(new LioranError("IO", text, { cause }));
        resolve(undefined);
      });
      socket.once("connect", () => {
        socket.removeAllListeners("error");
        resolve(new SocketChannel(socket));
      });
    });
  }

  #hello(record: LockRecord): Hello {
    return {
      protocol: protocolVersion,
      token: record.token,
      rootId: record.rootId,
      clientId: this.#clientId,
      pid: process.pid,
    };
  }

  /** A client that may be elected has a thread ready: loading one takes longer than an election. */
  #prepareStandby(): void {
    if (!this.#mayOwn || this.#standby || this.#standbyTimer) return;
    this.#standbyTimer = setTimeout(() => {
      this.#standbyTimer = undefined;
      if (this.#isOver || this.roles.role !== "client") return;
      try {
        this.#standby = new Host();
      } catch {
        // No thread can be started now, but perhaps later.
        this.#prepareStandby();
        return;
      }
      // Loading it takes longer than an election.
      process.getBuiltinModule("node:crypto").randomBytes(1);
    }, standbyDelayMs).unref();
  }

  async #stopHost(): Promise<void> {
    const host = this.#host;
    if (!host) return;
    this.#host = undefined;
    this.#databases.clock = undefined;
    await host.stop(this.#options.primaryTimeoutMs);
  }

  /** Counts failures of the Host that follow each other closely. */
  #isOneFailureTooMany(): boolean {
    const isStable = performance.now() - this.#hostStartedMs > hostStableMs;
    this.#hostFailures = isStable ? 1 : this.#hostFailures + 1;
    return this.#hostFailures >= hostFailuresMax;
  }

  /** Taking part is not possible any more: whoever waits is told why. */
  #giveUp(error: unknown): void {
    const reason =
      error instanceof LioranError
        ? error
        : new LioranError("INTERNAL", `Taking part in the root failed: ${String(error)}`, {
            cause: error,
          });
    this.#stopSearching.abort();
    this.link.giveUp(reason);
    this.#events.failed(reason);
    this.#abandon().catch(() => {});
  }

  /** Lets others own the root, once the Host of this process is gone. */
  async #abandon(): Promise<void> {
    await this.#changing.runExclusive(async () => {
      await this.#stopHost();
      this.#lock.release();
      if (this.roles.role === "primary") this.roles.to("electing");
    });
  }

  /** Waits between two attempts. Keeps the process alive only while somebody waits for the result. */
  async #pause(ms: number): Promise<void> {
    const ref = this.link.pending > 0 || this.roles.role === "primary";
    const { signal } = this.#stopSearching;
    await delay(ms, undefined, { ref, signal }).catch(() => {});
  }
}

function hostFails(): LioranError {
  return new LioranError("INTERNAL", "The Host thread of this process ends again and again.");
}

function isOtherVersion(error: unknown): boolean {
  return error instanceof LioranError && error.code === "PROTOCOL_VERSION";
}

function lockHeld(options: ResolvedOptions, record: LockRecord | undefined): LioranError {
  const holder = record ? `process ${record.pid} (since ${record.startedAt})` : "another process";
  return new LioranError(
    "LOCK_HELD",
    `${options.rootPath} already has a primary: ${holder}. Open it without \`ipc\`, or with ipc: "client".`,
  );
}
