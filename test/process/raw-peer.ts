/** A peer that speaks on the socket whatever the test wants it to. */
import { connect, type Socket } from "node:net";
import type { LioranError } from "../../src/errors.js";
import { frameBytesMax } from "../../src/limits.js";
import { encodeFrame, type Frame, FrameKind, FrameParser } from "../../src/protocol/frame.js";
import {
  decodeBody,
  decodeFailure,
  decodeRefuse,
  encodeBody,
  protocolVersion,
} from "../../src/protocol/messages.js";
import { type Site, withDeadline } from "./site.js";

export class RawPeer {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  closed = false;
  #watchers = new Set<() => void>();
  #nextSequence = 1;

  constructor(socket: Socket) {
    this.socket = socket;
    const parser = new FrameParser((frame) => {
      this.frames.push({ ...frame, body: Uint8Array.from(frame.body) });
    });
    parser.bodyBytesMax = frameBytesMax;
    socket.on("data", (chunk) => {
      parser.push(chunk);
      this.#look();
    });
    // What the primary did not want to read any more.
    socket.on("error", () => {});
    socket.once("close", () => {
      this.closed = true;
      this.#look();
    });
  }

  send(kind: FrameKind, sequence: number, value: unknown): void {
    this.socket.write(encodeFrame(kind, sequence, encodeBody(value)));
  }

  /** Sends an operation. @returns its sequence */
  request(operation: unknown): number {
    const sequence = this.#nextSequence;
    this.#nextSequence += 1;
    this.send(FrameKind.request, sequence, { acknowledged: 0, resent: false, operation });
    return sequence;
  }

  /** The answer to a request: its result, or its error. */
  async answer(sequence: number): Promise<{ result: unknown } | { error: LioranError }> {
    const frame = await this.until(`an answer to request ${sequence}`, () =>
      this.frames.find((one) => one.sequence === sequence),
    );
    if (frame.kind === FrameKind.failure) return { error: decodeFailure(frame.body) };
    return { result: decodeBody(frame.body) };
  }

  async failure(sequence: number): Promise<LioranError> {
    const answer = await this.answer(sequence);
    if ("error" in answer) return answer.error;
    throw new Error(`request ${sequence} was answered with ${JSON.stringify(answer.result)}`);
  }

  /** Waits until the primary has disconnected. @returns the reason it gave before, if any */
  async disconnected(): Promise<LioranError | undefined> {
    await this.until("end of the connection", () => this.closed || undefined);
    const refuse = this.frames.find(({ kind }) => kind === FrameKind.refuse);
    return refuse && decodeRefuse(refuse.body);
  }

  until<T>(what: string, look: () => T | undefined): Promise<T> {
    const found = new Promise<T>((resolve) => {
      const watcher = () => {
        const result = look();
        if (result === undefined) return;
        this.#watchers.delete(watcher);
        resolve(result);
      };
      this.#watchers.add(watcher);
      watcher();
    });
    return withDeadline(found, () => `the primary: no ${what}`);
  }

  #look(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** The hello of a client that may read the root. */
export function helloOf(site: Site): Record<string, unknown> {
  const { token, rootId } = site.lockRecord();
  const clientId = crypto.randomUUID();
  return { protocol: protocolVersion, token, rootId, clientId, pid: process.pid };
}

/** Connects to the site's primary; no word has been said yet. */
export function connectRaw(site: Site): Promise<RawPeer> {
  return connectTo(site.lockRecord().endpoint);
}

export async function connectTo(path: string, options: object = {}): Promise<RawPeer> {
  const socket = connect({ path, ...options });
  await withDeadline(
    new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve).once("error", reject);
    }),
    () => "the primary does not accept a connection",
  );
  return new RawPeer(socket);
}

/** Connects and shakes hands. */
export async function connectClient(site: Site): Promise<RawPeer> {
  const peer = await connectRaw(site);
  peer.send(FrameKind.hello, 0, helloOf(site));
  await peer.until("welcome", () => peer.frames.find(({ kind }) => kind === FrameKind.welcome));
  return peer;
}
