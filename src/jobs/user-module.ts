/**
 * The user's module, in the child that runs it. Whatever it throws or returns becomes a clear error: what ends the
 * job is `JOB_MODULE`, what ends one try of a batch is `JOB_BATCH`.
 */
import { LioranError } from "../errors.js";
import { jobResultBytesMax, jobValueBytesMax } from "../limits.js";
import type { Document } from "../values/document.js";
import { isPlainObject } from "../values/document.js";
import { thrownText } from "../values/shown.js";
import { cloned, revived, thrownCause } from "./clone.js";

type UserFunction = (...args: unknown[]) => unknown;

const functionNames = ["map", "init", "reduce", "finish"] as const;
type FunctionName = (typeof functionNames)[number];

export class UserModule {
  readonly #href: string;
  readonly #functions: Partial<Record<FunctionName, UserFunction>>;
  /** What the values of the batches have come to so far; undefined before the first one. */
  #reduced: { value: unknown } | undefined;

  private constructor(href: string, functions: Partial<Record<FunctionName, UserFunction>>) {
    this.#href = href;
    this.#functions = functions;
  }

  /** @throws JOB_MODULE when it does not load, or exports nothing usable */
  static async load(href: string): Promise<UserModule> {
    let exported: Document;
    try {
      exported = await import(href);
    } catch (error) {
      throw broken(href, `cannot be loaded: ${thrownText(error)}`, error);
    }
    const functions: Partial<Record<FunctionName, UserFunction>> = {};
    for (const name of functionNames) {
      const found = exportOf(exported, name);
      if (found === undefined) continue;
      if (typeof found !== "function") {
        throw broken(href, `exports a ${name} that is no function, but ${typeof found}`);
      }
      functions[name] = found as UserFunction;
    }
    if (!functions.map) throw broken(href, "exports no function map(batch, context)");
    return new UserModule(href, functions);
  }

  get hasReduce(): boolean {
    return this.#functions.reduce !== undefined;
  }

  get hasFinish(): boolean {
    return this.#functions.finish !== undefined;
  }

  /** @throws JOB_MODULE */
  async init(context: object): Promise<void> {
    try {
      await this.#functions.init?.(context);
    } catch (error) {
      throw broken(this.#href, `threw in init: ${thrownText(error)}`, error);
    }
  }

  /** The cloned value of a batch. @throws JOB_BATCH */
  async map(batch: Document[], context: object): Promise<Uint8Array | null> {
    let value: unknown;
    try {
      value = await this.#functions.map!(batch, context);
    } catch (error) {
      if (error instanceof LioranError) throw error;
      throw new LioranError("JOB_BATCH", `map threw: ${thrownText(error)}`, {
        cause: thrownCause(error),
      });
    }
    return cloned(value, {
      error: "JOB_BATCH",
      what: "The value that map returned",
      bytesMax: jobValueBytesMax,
    });
  }

  /** Adds the values of batches, in their order. @throws JOB_MODULE */
  async reduce(values: readonly Uint8Array[]): Promise<void> {
    for (const bytes of values) {
      const next = revived(bytes);
      if (!this.#reduced) {
        this.#reduced = { value: next };
        continue;
      }
      try {
        this.#reduced.value = await this.#functions.reduce!(this.#reduced.value, next);
      } catch (error) {
        throw broken(this.#href, `threw in reduce: ${thrownText(error)}`, error);
      }
    }
  }

  /** The cloned value of the job. @throws JOB_MODULE */
  async finish(context: object): Promise<Uint8Array | null> {
    const { finish } = this.#functions;
    let value = this.#reduced?.value;
    if (finish) {
      try {
        value = await finish(value, context);
      } catch (error) {
        throw broken(this.#href, `threw in finish: ${thrownText(error)}`, error);
      }
    }
    const name = finish ? "finish" : "reduce";
    return cloned(value, {
      error: "JOB_MODULE",
      what: `The value that ${name} of ${this.#href} returned`,
      bytesMax: jobResultBytesMax,
    });
  }
}

/** An export by its name, also of a CommonJS module whose names Node does not see. */
function exportOf(exported: Document, name: string): unknown {
  if (exported[name] !== undefined) return exported[name];
  const { default: whole } = exported;
  return isPlainObject(whole) ? whole[name] : undefined;
}

function broken(href: string, why: string, cause?: unknown): LioranError {
  const message = `The module ${href} of the job ${why}.`;
  return new LioranError("JOB_MODULE", message, {
    cause: cause === undefined ? undefined : thrownCause(cause),
  });
}
