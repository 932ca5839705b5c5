/**
 * `$group`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/group/ It holds its
 * groups and nothing else: documents are forgotten once they have been added to theirs.
 */
import { LioranError } from "../../errors.js";
import { type Document, isPlainObject } from "../../values/document.js";
import type { Expression } from "../expression.js";
import {
  type Accumulation,
  type Accumulator,
  accumulationBytes,
  type CompileAccumulator,
} from "./accumulator.js";
import { listAccumulators } from "./list-accumulators.js";
import { StageMemory } from "./memory.js";
import { numberAccumulators } from "./number-accumulators.js";
import { expressionOf, malformed, type Stage, type StageContext } from "./stage.js";
import { type ValueKey, valueKey } from "./value-key.js";

/** By name. */
export const accumulators: Readonly<Record<string, CompileAccumulator>> = {
  ...numberAccumulators,
  ...listAccumulators,
};

export interface OutputField {
  readonly name: string;
  readonly accumulator: Accumulator;
}

/** `{ total: { $sum: "$price" } }`. @throws LioranError FAILED_TO_PARSE */
export function compileOutput(
  stage: string,
  output: Document,
  context: StageContext,
): OutputField[] {
  return Object.keys(output).map((name) => {
    if (name.includes(".") || name.startsWith("$") || name === "__proto__") {
      throw malformed(`The field name '${name}' of ${stage} cannot contain '.' or begin with '$'.`);
    }
    return { name, accumulator: compileAccumulator(stage, name, output[name], context) };
  });
}

function compileAccumulator(
  stage: string,
  field: string,
  specification: unknown,
  context: StageContext,
): Accumulator {
  const names = isPlainObject(specification) ? Object.keys(specification) : [];
  const [name] = names;
  if (name === undefined || !name.startsWith("$")) {
    throw malformed(`The field '${field}' of ${stage} must be an accumulator object.`);
  }
  if (names.length > 1) {
    throw malformed(`The field '${field}' of ${stage} must specify one accumulator.`);
  }
  if (name === "$accumulator" || name === "$function") {
    throw new LioranError("COMMAND_NOT_SUPPORTED", `${name} is not supported in ${stage}.`);
  }
  if (!Object.hasOwn(accumulators, name)) throw malformed(`unknown group operator '${name}'.`);
  return accumulators[name]!((specification as Document)[name], context);
}

interface Group {
  readonly id: unknown;
  readonly states: Accumulation[];
}

/** The groups that have been seen, in the order of their first documents. */
export class Groups {
  readonly #fields: readonly OutputField[];
  readonly #memory: StageMemory;
  readonly #groups = new Map<ValueKey, Group>();

  constructor(fields: readonly OutputField[], memory: StageMemory) {
    this.#fields = fields;
    this.#memory = memory;
  }

  add(id: unknown, document: Document): void {
    const key = valueKey(id);
    const { states } = this.#groups.get(key) ?? this.#begin(key, id);
    for (let at = 0; at < states.length; at += 1) {
      states[at]!.add(this.#fields[at]!.accumulator.input(document), document);
    }
  }

  *results(): Generator<Document, void, void> {
    for (const { id, states } of this.#groups.values()) {
      const result: Document = { _id: id };
      for (let at = 0; at < states.length; at += 1) {
        result[this.#fields[at]!.name] = states[at]!.result() ?? null;
      }
      yield result;
    }
  }

  #begin(key: ValueKey, id: unknown): Group {
    this.#memory.keep(id);
    this.#memory.add(accumulationBytes * (this.#fields.length + 1));
    const states = this.#fields.map(({ accumulator }) => accumulator.start(this.#memory, id));
    const group = { id, states };
    this.#groups.set(key, group);
    return group;
  }
}

export function group(operand: unknown, context: StageContext): Stage {
  if (!isPlainObject(operand)) {
    throw malformed("a group's fields must be specified in an object.");
  }
  if (!Object.hasOwn(operand, "_id")) {
    throw malformed("a group specification must include an _id.");
  }
  const { _id, ...output } = operand;
  return grouping(expressionOf(_id, context), compileOutput("$group", output, context));
}

function grouping(id: Expression, fields: readonly OutputField[]): Stage {
  return function* (input) {
    const groups = new Groups(fields, new StageMemory("$group"));
    // A missing key is one group with null.
    for (const document of input) groups.add(id(document) ?? null, document);
    yield* groups.results();
  };
}

/** `$sortByCount`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/sortByCount/ */
export function sortByCount(operand: unknown, context: StageContext): Stage {
  const isExpression =
    typeof operand === "string"
      ? operand.startsWith("$")
      : isPlainObject(operand) && Object.keys(operand)[0]?.startsWith("$");
  if (!isExpression) {
    throw malformed("$sortByCount needs a field path or an expression.");
  }
  const stage = group({ _id: operand, count: { $sum: 1 } }, context);
  return function* (input) {
    const groups = [...stage(input)];
    yield* groups.sort((a, b) => (b.count as number) - (a.count as number));
  };
}

/** `$count`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/count/ */
export function count(operand: unknown): Stage {
  if (typeof operand !== "string" || operand === "" || /^\$|[.\0]/.test(operand)) {
    throw malformed(
      "the count field must be a nonempty string, without '$' in front and without '.'.",
    );
  }
  return function* (input) {
    let counted = 0;
    for (const _ of input) counted += 1;
    if (counted > 0) yield { [operand]: counted };
  };
}
