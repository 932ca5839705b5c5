/**
 * Where the documents of a stream come from: any iterable or async iterable.
 *
 * Owning thread: the manager's.
 *
 *   idle --next--> asked --value--> idle
 *                  asked --end of the source--> ended
 *   idle, asked --end()--> ended
 *
 * Invariants
 *  1. The source is asked for one document at a time.
 *  2. It is told once that no more is wanted (`return()`), unless it has come to its end itself.
 */
import { LioranError } from "../errors.js";
import { thrownText } from "../values/shown.js";
import { kindOf } from "./arguments.js";

type Step = IteratorResult<unknown>;
type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

export class DocumentSource {
  readonly #iterator: AnyIterator;
  readonly #isAsync: boolean;
  #state: "idle" | "asked" | "ended" = "idle";
  #given = 0;

  /** @throws BAD_VALUE when it is not iterable, or a string */
  constructor(call: string, source: unknown) {
    const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = Object(source);
    this.#isAsync = typeof later === "function";
    if (typeof source === "string" || (!this.#isAsync && typeof now !== "function")) {
      throw new LioranError(
        "BAD_VALUE",
        `${call}: documents must be an array that is not empty, an iterable or an async iterable, not ${kindOf(source)}.`,
      );
    }
    this.#iterator = (this.#isAsync ? later : now).call(source);
  }

  /** The next document: at once from an iterable, later from an async one. @throws SOURCE_FAILED */
  next(): Step | Promise<Step> {
    this.#state = "asked";
    let answer: Step | Promise<Step>;
    try {
      answer = this.#iterator.next();
    } catch (error) {
      return this.#failed(error);
    }
    if (!this.#isAsync) return this.#taken(answer as Step);
    return Promise.resolve(answer).then(
      (step) => this.#taken(step),
      (error: unknown) => this.#failed(error),
    );
  }

  /**
   * Tells the source that no more is wanted. What that throws is of no interest any more.
   *
   * @returns once the source has cleaned up; at once when it has not even answered the last question
   */
  async end(): Promise<void> {
    if (this.#state === "ended") return;
    const isBusy = this.#state === "asked";
    this.#state = "ended";
    try {
      const ending = Promise.resolve(this.#iterator.return?.());
      if (isBusy) ending.catch(() => {});
      else await ending;
    } catch {
      // Something else has failed before: that is what is told.
    }
  }

  #taken(step: Step): Step {
    if (typeof step !== "object" || step === null) {
      return this.#failed(new TypeError(`next() gave ${kindOf(step)} and no result`));
    }
    if (this.#state === "asked") this.#state = step.done ? "ended" : "idle";
    if (!step.done) this.#given += 1;
    return step;
  }

  #failed(error: unknown): never {
    if (this.#state === "asked") this.#state = "idle";
    const failure = new LioranError(
      "SOURCE_FAILED",
      `The source of the documents failed after ${this.#given}: ${thrownText(error)}`,
    );
    // The caller's own error as it is: it never leaves this process.
    throw Object.assign(failure, { cause: error });
  }
}
