/**
 * The reader's end of the port to one thread of a divided read.
 *
 * Invariant: exactly one message ends it, also when the thread goes away without a word.
 */
import type { MessagePort } from "node:worker_threads";
import type { PartMessage, PartRequest } from "./part-worker.js";
import { threadEnded, threadEndReasonMs } from "./pool-source.js";

export type LinkMessage = PartMessage | { readonly kind: "failed"; readonly error: unknown };

export class PartLink {
  readonly #port: MessagePort;
  readonly #onMessage: (message: LinkMessage) => void;
  #isEnded = false;

  constructor(port: MessagePort, onMessage: (message: LinkMessage) => void) {
    this.#port = port;
    this.#onMessage = onMessage;
    port.on("message", (message: PartMessage) => {
      if (message.kind === "rows" && !message.isEnd) this.#onMessage(message);
      else this.#end(message);
    });
    // The other end goes with its thread.
    port.once("close", () => {
      if (this.#isEnded) return;
      // Its task says why, if it still runs.
      setTimeout(() => this.fail(threadEnded()), threadEndReasonMs);
    });
    port.unref();
  }

  /** Whether the thread has given up its snapshot. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  ref(): void {
    if (!this.#isEnded) this.#port.ref();
  }

  unref(): void {
    this.#port.unref();
  }

  /** Tells the thread what was read of its rows. */
  read(bytes: number): void {
    if (!this.#isEnded && bytes > 0) this.#send({ readBytes: bytes });
  }

  /** Asks the thread to stop. */
  close(): void {
    if (!this.#isEnded) this.#send("close");
  }

  /** The thread will send nothing any more. */
  fail(error: unknown): void {
    this.#end({ kind: "failed", error });
  }

  #send(request: PartRequest): void {
    this.#port.postMessage(request);
  }

  #end(message: LinkMessage): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#onMessage(message);
    this.#port.close();
  }
}
