/**
 * `insertMany` of a stream: documents are gathered into chunks, and one chunk is written while the next
 * one is gathered. However many documents come, memory stays the same.
 *
 * Owning thread: the manager's.
 *
 * Invariants
 *  1. There are at most two chunks: one under way and one that is being gathered. When that is full, the
 *     source is not asked until the other one has been answered.
 *  2. One chunk is under way at a time, so that nothing behind a document that has failed is inserted
 *     when the insert is ordered.
 *  3. What has been gathered does not wait for a source that lets us wait: it is sent as soon as nothing
 *     is under way.
 *  4. Neither a source that gives nothing nor one that never ends holds up `signal` or `close()`.
 */
import type { InsertOperation } from "../dispatch/operation.js";
import { failureDetails, LioranError, type WriteError } from "../errors.js";
import { insertChunkBytesMax, insertChunkDocumentsMax, insertStreamErrorsMax } from "../limits.js";
import type { Execute } from "../runtime/runtime.js";
import type { DocumentSource } from "./document-source.js";
import { encodeForInsert, type InsertTarget, nextTurn } from "./inserts.js";
import { validateInsert } from "./schema.js";
import type { InsertStreamResult, StandardSchema } from "./types.js";

/** What an insert of a stream works with. */
export interface StreamInsertOptions {
  execute: Execute;
  target: InsertTarget;
  source: DocumentSource;
  schema: StandardSchema | undefined;
  signal: AbortSignal | undefined;
  /** Fires when the manager begins to close. */
  closing: AbortSignal;
}

/** @throws the first failure, with `result` and `writeErrors`; the reason of `signal` */
export function insertStream(options: StreamInsertOptions): Promise<InsertStreamResult> {
  return new StreamInsert(options).run();
}

class StreamInsert {
  readonly #options: StreamInsertOptions;
  /** The chunk that is being gathered. */
  #chunk: Uint8Array[] = [];
  #chunkBytes = 0;
  /** Documents so far: the position of the next one. */
  #position = 0;
  #underWay: Promise<void> | undefined;
  /** Ends the wait for the source. */
  #wake: (() => void) | undefined;
  #look: NodeJS.Immediate | undefined;

  #insertedCount = 0;
  #failedCount = 0;
  readonly #writeErrors: WriteError[] = [];
  /** The error of the first document that could not be inserted. */
  #first: LioranError | undefined;
  /** What kept a chunk from being written at all. */
  #wayFailure: unknown;
  /** What is wrong with the source, or with a document. */
  #sourceFailure: unknown;

  constructor(options: StreamInsertOptions) {
    this.#options = options;
  }

  async run(): Promise<InsertStreamResult> {
    const { signal, closing } = this.#options;
    const wake = () => this.#wake?.();
    signal?.addEventListener("abort", wake);
    closing.addEventListener("abort", wake);
    try {
      const isComplete = await this.#gather();
      await this.#drain();
      if (isComplete && !this.#first && this.#wayFailure === undefined) return this.#result();
      await this.#endSource();
      throw this.#failure();
    } finally {
      clearImmediate(this.#look);
      signal?.removeEventListener("abort", wake);
      closing.removeEventListener("abort", wake);
    }
  }

  /** Takes documents until there are no more, or no more are wanted. @returns whether it took all */
  async #gather(): Promise<boolean> {
    const { source, schema } = this.#options;
    try {
      while (!this.#isStopped) {
        const answer = source.next();
        const step = answer instanceof Promise ? await this.#unlessStopped(answer) : answer;
        if (!step) return false;
        if (step.done) return true;
        const what = `documents.${this.#position}`;
        const valid = schema ? await validateInsert(schema, step.value, what) : step.value;
        const { bytes } = encodeForInsert(valid, what);
        if (this.#chunk.length > 0 && this.#isFullWith(bytes)) {
          await this.#underWay;
          if (this.#isStopped) return false;
          this.#send();
          // A source that never lets us wait would keep it here until the next chunk is full.
          await nextTurn();
        }
        this.#chunk.push(bytes);
        this.#chunkBytes += bytes.length;
        this.#position += 1;
      }
    } catch (error) {
      this.#sourceFailure = error;
    }
    return false;
  }

  /** Writes what has been gathered, unless that has become pointless. */
  async #drain(): Promise<void> {
    await this.#underWay;
    if (this.#chunk.length > 0 && !this.#isAborted && !this.#hasFailed) this.#send();
    await this.#underWay;
  }

  #send(): void {
    const documents = this.#chunk;
    const from = this.#position - documents.length;
    this.#chunk = [];
    this.#chunkBytes = 0;
    this.#underWay = this.#write(documents, from).then(() => {
      this.#underWay = undefined;
      if (this.#hasFailed) this.#wake?.();
      else this.#sendWhileWaiting();
    });
  }

  /** Never rejects: what goes wrong is noted. */
  async #write(documents: Uint8Array[], from: number): Promise<void> {
    const { execute, target, signal } = this.#options;
    const operation: InsertOperation = {
      kind: "insert",
      ...target,
      count: documents.length,
      documents: documents.length === 1 ? documents[0]! : Buffer.concat(documents),
    };
    try {
      await execute<"insert">(operation, signal);
      this.#insertedCount += documents.length;
    } catch (error) {
      if (error instanceof LioranError && error.writeErrors) this.#noteFailed(error, from);
      else this.#wayFailure = error;
    }
  }

  #noteFailed(error: LioranError, from: number): void {
    this.#first ??= error;
    const { insertedAt } = error.result as { insertedAt: number[] };
    this.#insertedCount += insertedAt.length;
    this.#failedCount += error.writeErrors!.length;
    const room = insertStreamErrorsMax - this.#writeErrors.length;
    for (const failed of error.writeErrors!.slice(0, room)) {
      this.#writeErrors.push({ ...failed, index: from + failed.index });
    }
  }

  /** What the source answers; undefined when no more is wanted before it does. */
  #unlessStopped<T>(answer: Promise<T>): Promise<T | undefined> {
    // A turn of the event loop later the source really lets us wait. Looking once per turn is enough.
    this.#look ??= setImmediate(() => {
      this.#look = undefined;
      this.#sendWhileWaiting();
    });
    return new Promise<T | undefined>((resolve, reject) => {
      this.#wake = () => resolve(undefined);
      answer.then(resolve, reject);
      // The source may have called it off itself, when it was asked.
      if (this.#isStopped) this.#wake();
    }).finally(() => {
      this.#wake = undefined;
    });
  }

  #sendWhileWaiting(): void {
    if (this.#wake && !this.#underWay && this.#chunk.length > 0 && !this.#isStopped) this.#send();
  }

  #isFullWith(bytes: Uint8Array): boolean {
    const { length } = this.#chunk;
    return (
      length >= insertChunkDocumentsMax || this.#chunkBytes + bytes.length > insertChunkBytesMax
    );
  }

  get #isAborted(): boolean {
    return this.#options.signal?.aborted === true;
  }

  /** Whether a write has failed so that nothing more may be written. */
  get #hasFailed(): boolean {
    if (this.#wayFailure !== undefined) return true;
    return this.#options.target.ordered && this.#first !== undefined;
  }

  get #isStopped(): boolean {
    return this.#isAborted || this.#options.closing.aborted || this.#hasFailed;
  }

  /** Whoever aborts or closes does not wait for what the source still has to do. */
  async #endSource(): Promise<void> {
    const ending = this.#options.source.end();
    if (this.#isAborted || this.#options.closing.aborted) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      ending.then(resolve);
    });
  }

  #result(): InsertStreamResult {
    return { acknowledged: true, insertedCount: this.#insertedCount };
  }

  /** What ended the insert, with what was inserted until then. */
  #failure(): unknown {
    if (this.#isAborted) return this.#options.signal!.reason;
    const ended = this.#wayFailure ?? this.#sourceFailure ?? this.#closedFailure();
    // The first document that failed comes before whatever ended an ordered insert.
    const error = this.#options.target.ordered ? (this.#first ?? ended) : (ended ?? this.#first);
    if (!(error instanceof LioranError)) return error;
    const failure = error.with({
      ...failureDetails(error),
      result: { ...this.#result(), failedCount: this.#failedCount },
      writeErrors: this.#writeErrors.length > 0 ? this.#writeErrors : undefined,
    });
    return error === this.#sourceFailure
      ? Object.assign(failure, error.cause !== undefined && { cause: error.cause })
      : failure;
  }

  #closedFailure(): LioranError | undefined {
    if (!this.#options.closing.aborted) return undefined;
    return new LioranError(
      "CLOSED",
      `The manager was closed before the source came to its end. Inserted: ${this.#insertedCount}.`,
    );
  }
}
