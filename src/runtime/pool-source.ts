/** A cursor whose rows are read on one thread of the query pool. */
import type { MessagePort } from "node:worker_threads";
import type { BatchSource } from "../dispatch/cursors.js";
import type { EncodedBatch } from "../dispatch/operation.js";
import { decodeError, LioranError } from "../errors.js";
import type { CancelFlag } from "../query/control.js";
import type { CursorMessage, CursorRequest } from "./query-worker.js";

/** How long after the end of a thread its task says why, at most. */
export const threadEndReasonMs = 500;

export interface Closing {
  /** Closes it and resolves once no thread has a snapshot for it. */
  closed(): Promise<void>;
}

/**
 *   new --first next--> open --end, error, close--> closing --"closed" from the thread--> closed
 */
export class PoolSource implements BatchSource, Closing {
  readonly #port: MessagePort;
  readonly #flag: CancelFlag;
  readonly #open: (batchSize: number | undefined) => Promise<unknown>;
  readonly #closed: Promise<void>;
  readonly #onDone: () => void;
  #onClosed!: () => void;
  #isOpened = false;
  #isClosing = false;
  #isLost = false;
  #waiting: { resolve(message: CursorMessage): void; reject(error: unknown): void } | undefined;

  /** @param onDone called when the thread is done with it, until the next batch is asked for; also repeatedly */
  constructor(
    port: MessagePort,
    flag: CancelFlag,
    open: (batchSize: number | undefined) => Promise<unknown>,
    onDone: () => void,
  ) {
    this.#port = port;
    this.#flag = flag;
    this.#open = open;
    this.#onDone = onDone;
    this.#closed = new Promise((resolve) => {
      this.#onClosed = resolve;
    });
    port.on("message", (message: CursorMessage) => {
      onDone();
      if (message === "closed") this.#finish();
      else this.#take()?.resolve(message);
    });
    // The other end goes with its thread. Why it has ended is told by the task that it ran, if it was this one's.
    port.once("close", () => {
      if (this.#isClosing) {
        this.#finish();
        return;
      }
      this.#isLost = true;
      setTimeout(() => {
        this.#take()?.reject(threadEnded());
        this.#finish();
      }, threadEndReasonMs);
    });
    port.unref();
  }

  async next(batchSize: number | undefined): Promise<{ batch: EncodedBatch; done: boolean }> {
    if (this.#isLost) throw threadEnded();
    // It may have been closed in the very turn in which whoever made it came to read it.
    if (this.#isClosing) throw closedError();
    const message = await new Promise<CursorMessage>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#port.ref();
      if (this.#isOpened) this.#port.postMessage({ batchSize } satisfies CursorRequest);
      else this.#start(batchSize);
    });
    if (message === "closed") throw closedError();
    if ("error" in message) throw decodeError(message.error);
    const { count, bytes, done } = message;
    return { batch: { count, bytes }, done };
  }

  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#flag.cancel();
    this.#take()?.reject(closedError());
    if (!this.#isOpened) this.#finish();
    else this.#port.postMessage("close" satisfies CursorRequest);
  }

  /** Resolves once its snapshot is given up. */
  ended(): Promise<void> {
    return this.#closed;
  }

  /** Closes the cursor and resolves once its snapshot is given up. */
  closed(): Promise<void> {
    this.close();
    // Whoever waits for this must be answered, also when nothing else keeps the process alive.
    this.#port.ref();
    return this.#closed;
  }

  #start(batchSize: number | undefined): void {
    this.#isOpened = true;
    this.#open(batchSize).catch((error: unknown) => {
      // The thread has failed as a whole: there is nothing left to close.
      this.#take()?.reject(error);
      this.#finish();
    });
  }

  #finish(): void {
    this.#onDone();
    this.#isClosing = true;
    this.#port.close();
    this.#onClosed();
  }

  #take() {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#port.unref();
    return waiting;
  }
}

/** What the end of a thread does to those that only had a snapshot there: they may begin again on another one. */
export function threadEnded(): LioranError {
  return new LioranError(
    "CURSOR_NOT_FOUND",
    "The query thread that held the snapshot has ended: a query took all its memory. Run the query again.",
  );
}

function closedError(): LioranError {
  return new LioranError("CLOSED", "The cursor was closed while its next batch was read.");
}
