/** The cursor of `aggregate()`. */
import type { AggregateOperation, CursorResult, Explanation } from "../dispatch/operation.js";
import { lateImport } from "../late-loading.js";
import type { Execute, Runtime } from "../runtime/runtime.js";
import type { SplitPipeline } from "./aggregate-output.js";
import { checkHint, checkObject, checkPipeline, checkVerbosity } from "./arguments.js";
import { natural } from "./find-cursor.js";
import { defined, QueryCursor } from "./query-cursor.js";
import type { AggregateOptions, Document, ExplainVerbosity } from "./types.js";

const loadOutput = lateImport(() => import("./aggregate-output.js"));

/** The options of `aggregate()`. */
export const aggregateOptions = [
  "signal",
  "comment",
  "allowDiskUse",
  "batchSize",
  "maxTimeMS",
  "let",
  "hint",
] as const;

/** The collection that the pipeline begins with; none on a database. */
export type AggregationTarget = Pick<AggregateOperation, "db" | "collection">;

/**
 * Results of a pipeline. Nothing runs before the first result is asked for; a pipeline that ends with
 * `$out` or `$merge` then writes, and gives no results.
 *
 * As the official driver's AggregationCursor: https://mongodb.github.io/node-mongodb-native/
 */
export class AggregationCursor<T> extends QueryCursor<T> {
  /** Bundling must not change it. */
  static override readonly name = "AggregationCursor";
  readonly #target: AggregationTarget;
  readonly #options: AggregateOptions;
  #pipeline: Document[];
  #maxTimeMs: number | undefined;

  constructor(
    runtime: Runtime,
    target: AggregationTarget,
    pipeline: readonly Document[],
    options: AggregateOptions,
  ) {
    super(runtime, options.signal);
    this.#target = target;
    this.#pipeline = checkPipeline("aggregate", pipeline);
    const given = options.let && checkObject("aggregate: let", options.let);
    this.#options = { ...options, let: given };
    this.#maxTimeMs = options.maxTimeMS;
    if (options.batchSize !== undefined) this.batchSize(options.batchSize);
  }

  /** The stages. */
  get pipeline(): Document[] {
    return [...this.#pipeline];
  }

  /** Adds a stage at the end. @throws BAD_VALUE once reading has begun */
  addStage<U = T>(stage: Document): AggregationCursor<U> {
    this.assertNew("addStage");
    this.#pipeline.push(...checkPipeline("aggregate", [stage]));
    return this as unknown as AggregationCursor<U>;
  }

  match($match: Document): this {
    return this.#add({ $match });
  }

  project<U = T>($project: Document): AggregationCursor<U> {
    return this.addStage<U>({ $project });
  }

  addFields<U = T>($addFields: Document): AggregationCursor<U> {
    return this.addStage<U>({ $addFields });
  }

  sort($sort: Document): this {
    return this.#add({ $sort });
  }

  limit($limit: number): this {
    return this.#add({ $limit });
  }

  skip($skip: number): this {
    return this.#add({ $skip });
  }

  group<U = T>($group: Document): AggregationCursor<U> {
    return this.addStage<U>({ $group });
  }

  unwind<U = T>($unwind: string | Document): AggregationCursor<U> {
    return this.addStage<U>({ $unwind });
  }

  lookup<U = T>($lookup: Document): AggregationCursor<U> {
    return this.addStage<U>({ $lookup });
  }

  redact($redact: Document): this {
    return this.#add({ $redact });
  }

  out($out: string | { db: string; coll: string }): this {
    return this.#add({ $out });
  }

  /** Stops the aggregation after this many milliseconds with code 50; 0 means never. */
  maxTimeMS(milliseconds: number): this {
    this.assertNew("maxTimeMS");
    this.#maxTimeMs = natural("maxTimeMS", milliseconds);
    return this;
  }

  override map<U>(transform: (value: T) => U): AggregationCursor<U> {
    return super.map(transform) as AggregationCursor<U>;
  }

  /**
   * How the aggregation is run: the plan of its front, and the stages that run on what that finds. `$out` and
   * `$merge` write nothing.
   *
   * @param verbosity as `FindCursor.explain`
   */
  async explain(verbosity: ExplainVerbosity = "executionStats"): Promise<Explanation> {
    const { pipeline } = await this.#splitOutput();
    const explained = this.#operation(pipeline);
    return this.runtime.execute<"explain">(
      defined({
        kind: "explain",
        db: this.#target.db,
        verbosity: checkVerbosity(verbosity),
        explained,
        maxTimeMs: this.#maxTimeMs,
      }),
      this.signal,
    );
  }

  /** The same pipeline, not yet begun. */
  clone(): AggregationCursor<T> {
    const options = { ...this.#options, maxTimeMS: this.#maxTimeMs };
    const copy = new AggregationCursor<T>(this.runtime, this.#target, this.#pipeline, options);
    this.copySettings(copy);
    return copy;
  }

  #operation(pipeline: readonly Document[]): AggregateOperation {
    return defined({
      kind: "aggregate",
      ...this.#target,
      pipeline: [...pipeline],
      let: this.#options.let,
      hint: checkHint("aggregate", this.#options.hint),
      maxTimeMs: this.#maxTimeMs,
    });
  }

  protected override async begin(
    execute: Execute,
    batchSize: number | undefined,
  ): Promise<CursorResult> {
    if (!this.#hasOutput()) {
      const operation = this.#operation(this.#pipeline);
      return execute<"aggregate">(defined({ ...operation, batchSize }), this.signal);
    }
    const { durability } = this.runtime.options;
    await this.whole(async (execute) => {
      const { pipeline, write } = await this.#splitOutput();
      await write?.({ execute, durability, signal: this.signal }, this.#operation(pipeline));
    });
    return { batch: { documents: [] }, cursor: 0 };
  }

  #hasOutput(): boolean {
    const names = Object.keys(this.#pipeline.at(-1) ?? {});
    return names.length === 1 && (names[0] === "$out" || names[0] === "$merge");
  }

  /** Few pipelines end with `$out` or `$merge`: their code is loaded when it is needed. */
  async #splitOutput(): Promise<SplitPipeline> {
    if (!this.#hasOutput()) return { pipeline: this.#pipeline };
    const { splitPipeline } = await loadOutput();
    return splitPipeline(this.#pipeline, this.#target.db);
  }

  #add(stage: Document): this {
    this.addStage(stage);
    return this;
  }
}
