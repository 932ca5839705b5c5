/**
 * Executes the write operations of all clients: prepares them, lets the pool search where a scan would
 * hold everybody up, and queues them for the group commit.
 *
 * Owning thread: the Host. It is apart from the dispatcher so that only the Host loads the update
 * language and the writer.
 */
import { CancelFlag } from "../query/control.js";
import type { Databases } from "../storage/databases.js";
import { storageFailure } from "../storage/lmdb-failure.js";
import type { WriteTransaction } from "../storage/write-transaction.js";
import type { ClientSession } from "./client-session.js";
import type { QueryPool } from "./equipment.js";
import { BuildLeft, type IndexBuilds } from "./index-builds.js";
import type {
  CreateIndexesOperation,
  SearchOperation,
  SearchResult,
  WriteOperation,
} from "./operation.js";
import type { WriteOutcome } from "./outcome.js";
import {
  applyUnlessStale,
  encodeReply,
  type PreparedWrite,
  prepareWrite,
  searchUntilFresh,
} from "./write-execution.js";
import type { Writer, WriteTask } from "./writer.js";

/** A write as it arrived. */
export interface WriteRequest {
  operation: WriteOperation;
  /** Size of its frame. */
  bytes: number;
  session: ClientSession;
  sequence: number;
  /** Takes the outcome, once; never throws. */
  settle(outcome: WriteOutcome): void;
  /** The next Host answers it, when the client sends it again. */
  leave(): void;
  /** Takes an error that came up before the write was queued, once; never throws. */
  fail(error: unknown): void;
}

export class WriteExecutor {
  readonly #databases: Databases;
  readonly #writer: Writer;
  readonly #pool: QueryPool | undefined;
  readonly #builds: IndexBuilds;

  constructor(
    databases: Databases,
    writer: Writer,
    builds: IndexBuilds,
    pool: QueryPool | undefined,
  ) {
    this.#databases = databases;
    this.#writer = writer;
    this.#builds = builds;
    this.#pool = pool;
  }

  /** Executes a write; its outcome comes in a later turn, or at once when nothing has to be done. */
  execute(request: WriteRequest): void {
    const { operation, settle } = request;
    const fail = (error: unknown) =>
      request.fail(storageFailure(this.#databases.folder(operation.db), "writing", error));
    if (operation.kind === "createIndexes") {
      this.#createIndexes({ ...request, fail }, operation);
      return;
    }
    let prepared: PreparedWrite;
    try {
      prepared = prepareWrite(this.#databases, operation);
      if (prepared.withoutDatabase && !this.#databases.has(operation.db)) {
        settle({ failed: false, body: encodeReply(prepared.withoutDatabase()) });
        return;
      }
    } catch (error) {
      fail(error);
      return;
    }
    const pool = this.#pool;
    if (!prepared.search || !pool) {
      const apply = (transaction: WriteTransaction) => encodeReply(prepared.apply(transaction));
      this.#writer.submit(taskOf(request, apply, settle));
      return;
    }
    const caller = request.session;
    const search = (query: SearchOperation) => pool.run(query, caller, new CancelFlag());
    const submit = (found: SearchResult | undefined) => this.#submit(request, prepared, found);
    searchUntilFresh(prepared.search, search, submit).catch(fail);
  }

  #createIndexes({ settle, fail, leave }: WriteRequest, operation: CreateIndexesOperation): void {
    this.#builds
      .create(operation)
      .then((names) => settle({ failed: false, body: encodeReply({ names }) }))
      .catch((error: unknown) => {
        if (error instanceof BuildLeft) leave();
        else fail(error);
      });
  }

  /** Queues a write with what a search found. @returns false when that was outdated */
  #submit(
    request: WriteRequest,
    prepared: PreparedWrite,
    found: SearchResult | undefined,
  ): Promise<boolean> {
    return new Promise((resolve) => {
      let stale = false;
      const apply = (transaction: WriteTransaction) => {
        const applied = applyUnlessStale(prepared, transaction, found);
        stale = applied.stale;
        return applied.stale ? nothing : applied.body;
      };
      const settle = (outcome: WriteOutcome) => {
        if (!stale) request.settle(outcome);
        resolve(!stale);
      };
      this.#writer.submit(taskOf(request, apply, settle));
    });
  }
}

const nothing = new Uint8Array(0);

function taskOf(
  { operation, bytes, session, sequence }: WriteRequest,
  apply: WriteTask["apply"],
  settle: WriteTask["settle"],
): WriteTask {
  return {
    db: operation.db,
    bytes,
    changesCatalog: changesCatalog(operation),
    flush: operation.durability === "flushed",
    session,
    sequence,
    apply,
    settle,
  };
}

/** Whether a collection may be gone afterwards, or another one have its name. */
function changesCatalog({ kind }: WriteOperation): boolean {
  return kind === "dropCollection" || kind === "renameCollection" || kind === "dropDatabase";
}
