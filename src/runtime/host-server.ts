/**
 * Listens on the root's endpoint and keeps the connections and sessions of a Host.
 *
 * Owning thread: the Host.
 */
import { createServer, type Server, type Socket } from "node:net";
import type { MessagePort } from "node:worker_threads";
import { ClientSession } from "../dispatch/client-session.js";
import type { Dispatcher } from "../dispatch/dispatcher.js";
import type { Caller, QueryPool } from "../dispatch/equipment.js";
import type { WriteExecutor } from "../dispatch/write-executor.js";
import { LioranError } from "../errors.js";
import { connectionsMax, connectionsRefusedMax, sessionRetentionMs } from "../limits.js";
import type { Databases } from "../storage/databases.js";
import { PortChannel } from "../transport/port-channel.js";
import { SocketChannel } from "../transport/socket-channel.js";
import { prepareEndpoint, protectEndpoint, removeEndpoint } from "./endpoint.js";
import { HostConnection, type HostContext } from "./host-connection.js";

export interface HostIdentity {
  rootPath: string;
  rootId: string;
  epoch: number;
  token: string;
}

interface KnownSession {
  session: ClientSession;
  lastSeenMs: number;
}

export class HostServer implements HostContext {
  readonly dispatcher: Dispatcher;
  readonly writes: WriteExecutor;
  readonly databases: Databases;
  readonly epoch: number;
  readonly rootId: string;
  readonly token: string;
  readonly #rootPath: string;
  readonly #forgetSession: (session: ClientSession) => void;
  readonly #pool: QueryPool | undefined;
  readonly #connectionsMax: number;
  readonly #server: Server;
  readonly #connections = new Set<HostConnection>();
  readonly #sessions = new Map<string, KnownSession>();
  #endpoint = "";
  #inFlight = 0;
  #allAnswered: (() => void) | undefined;
  #allClosed: (() => void) | undefined;

  /** @param forgetSession removes what is stored for a client that left in order */
  constructor(
    identity: HostIdentity,
    dispatcher: Dispatcher,
    writes: WriteExecutor,
    databases: Databases,
    forgetSession: (session: ClientSession) => void,
    pool: QueryPool | undefined,
    connections = connectionsMax,
  ) {
    this.dispatcher = dispatcher;
    this.writes = writes;
    this.databases = databases;
    this.epoch = identity.epoch;
    this.rootId = identity.rootId;
    this.token = identity.token;
    this.#rootPath = identity.rootPath;
    this.#forgetSession = forgetSession;
    this.#pool = pool;
    this.#connectionsMax = connections;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Clients that are connected, the primary's own main thread among them. */
  get clients(): number {
    let open = 0;
    for (const connection of this.#connections) if (connection.isOpen) open += 1;
    return open;
  }

  /** Listens on the first candidate that works. @returns the endpoint */
  async listen(candidates: readonly string[]): Promise<string> {
    let failure: unknown = new LioranError("IO", "No path is short enough for a socket.");
    for (const endpoint of candidates) {
      try {
        prepareEndpoint(this.#rootPath, endpoint);
        await this.#listenOn(endpoint);
        protectEndpoint(endpoint);
        this.#endpoint = endpoint;
        return endpoint;
      } catch (error) {
        failure = error;
      }
    }
    if (failure instanceof LioranError) throw failure;
    throw new LioranError(
      "IO",
      `Cannot listen for other processes: ${(failure as Error).message} (tried ${candidates.join(", ")}).`,
      { cause: failure },
    );
  }

  /** The connection of the primary's own main thread. @param onOpen it has shaken hands */
  acceptPort(port: MessagePort, onOpen: () => void): void {
    const connection = new HostConnection(this, new PortChannel(port), true);
    connection.onOpen = onOpen;
    this.#connections.add(connection);
  }

  session(clientId: string): ClientSession {
    let known = this.#sessions.get(clientId);
    if (!known) {
      known = { session: new ClientSession(clientId), lastSeenMs: 0 };
      this.#sessions.set(clientId, known);
    }
    known.lastSeenMs = performance.now();
    return known.session;
  }

  endSession(clientId: string): void {
    const known = this.#sessions.get(clientId);
    if (!known) return;
    this.#sessions.delete(clientId);
    this.#forgetSession(known.session);
  }

  closed(connection: HostConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#allClosed?.();
  }

  hold(caller: Caller): void {
    this.#pool?.hold(caller);
  }

  letGo(caller: Caller): void {
    this.#pool?.letGo(caller);
  }

  /** Forgets clients that vanished; what they could still send again has expired. */
  sweepSessions(): void {
    const oldest = performance.now() - sessionRetentionMs;
    for (const [clientId, { session, lastSeenMs }] of this.#sessions) {
      if (session.underWay === 0 && lastSeenMs < oldest && !session.isConnected) {
        this.#sessions.delete(clientId);
      }
    }
  }

  /** Takes no more connections and requests. */
  stopReading(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.stopReading();
  }

  inFlightChanged(by: number): void {
    this.#inFlight += by;
    if (this.#inFlight === 0) this.#allAnswered?.();
  }

  /** Resolves once every request that was read is answered, at the latest after `timeoutMs`. */
  async answered(timeoutMs: number): Promise<void> {
    if (this.#inFlight === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#allAnswered = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Says goodbye to everybody. Resolves once the connections are closed, at the latest after `timeoutMs`. */
  async close(reason: string, timeoutMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#allClosed = resolve;
    });
    for (const connection of this.#connections) connection.close(reason);
    if (this.#connections.size > 0) {
      const timer = setTimeout(() => {
        for (const connection of this.#connections) connection.destroy();
      }, timeoutMs);
      await closed;
      clearTimeout(timer);
    }
    removeEndpoint(this.#endpoint);
  }

  #accept(socket: Socket): void {
    const { size } = this.#connections;
    if (size >= this.#connectionsMax + connectionsRefusedMax) {
      socket.destroy();
      return;
    }
    const connection = new HostConnection(this, new SocketChannel(socket), false);
    this.#connections.add(connection);
    if (size < this.#connectionsMax) return;
    connection.refuse(
      new LioranError(
        "QUEUE_FULL",
        `The primary (pid ${process.pid}) has ${this.#connectionsMax} connections, the most it may have.`,
      ),
    );
  }

  #listenOn(endpoint: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      // Without `exclusive`, cluster workers would share one listener.
      this.#server.listen({ path: endpoint, exclusive: true }, () => {
        this.#server.off("error", reject);
        // A connection that could not be accepted: its client tries again.
        this.#server.on("error", () => {});
        resolve();
      });
    });
  }
}
